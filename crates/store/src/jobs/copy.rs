//! Makes very many jobs at once: by `COPY` in its binary format (PostgreSQL documentation, "COPY", Binary Format),
//! which the server reads while the rest is still being written.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::insert::{INLINE, NewRow};
use crate::{Error, Result};

/// Fewer rows are made faster by a statement.
pub(super) const LEAST: usize = 2000;

/// Bytes that are sent in one go.
const BLOCK: usize = 64 * 1024;

/// Makes plain jobs. Call it in a transaction.
pub(super) async fn copy(db: &mut PgConnection, rows: &[NewRow]) -> Result<()> {
    let bodies = "COPY mindflight.job (id, kind, queue, priority, max_attempts, args, meta) FROM STDIN BINARY";
    send(db, bodies, rows, |row, out| {
        out.fields(7);
        out.uuid(row.id.uuid());
        out.bytes(&row.kind.to_be_bytes());
        out.small(row.queue);
        out.small(i16::from(row.priority.min(9)));
        out.small(max_attempts(row));
        out.bytes(row.args.as_bytes());
        out.jsonb(row.meta.as_ref());
    })
    .await?;
    let places = "COPY mindflight.ready (queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, args) FROM STDIN BINARY";
    send(db, places, rows, |row, out| {
        out.fields(9);
        out.small(row.queue);
        out.small(i16::from(row.priority.min(9)));
        out.uuid(row.id.uuid());
        out.bytes(&row.kind.to_be_bytes());
        out.small(0);
        out.small(0);
        out.small(max_attempts(row));
        out.bytes(&[0]);
        match row.is_inline() {
            true => out.bytes(row.args.as_bytes()),
            false => out.null(),
        }
    })
    .await
}

fn max_attempts(row: &NewRow) -> i16 {
    i16::try_from(row.max_attempts.max(1)).unwrap_or(i16::MAX)
}

async fn send(
    db: &mut PgConnection,
    statement: &str,
    rows: &[NewRow],
    write: impl Fn(&NewRow, &mut Block),
) -> Result<()> {
    let mut copy = db.copy_in_raw(statement).await.map_err(Error::of)?;
    let mut block = Block::first();
    for row in rows {
        write(row, &mut block);
        if block.0.len() >= BLOCK {
            copy.send(&*block.0).await.map_err(Error::of)?;
            block.0.clear();
        }
    }
    block.fields(-1);
    copy.send(&*block.0).await.map_err(Error::of)?;
    copy.finish().await.map_err(Error::of)?;
    Ok(())
}

/// A piece of the stream.
struct Block(Vec<u8>);

impl Block {
    /// With the head: the signature, no flags, no extension.
    fn first() -> Self {
        let mut bytes = Vec::with_capacity(BLOCK + INLINE);
        bytes.extend_from_slice(b"PGCOPY\n\xff\r\n\0");
        bytes.extend_from_slice(&[0; 8]);
        Self(bytes)
    }

    /// How many fields the row has that follows; -1 at the end of all.
    fn fields(&mut self, count: i16) {
        self.0.extend_from_slice(&count.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn length(&mut self, length: usize) {
        // Larger than any row that is let in.
        let length = i32::try_from(length).unwrap_or(i32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
    }

    fn null(&mut self) {
        self.0.extend_from_slice(&(-1_i32).to_be_bytes());
    }

    fn small(&mut self, number: i16) {
        self.bytes(&number.to_be_bytes());
    }

    fn uuid(&mut self, id: Uuid) {
        self.bytes(id.as_bytes());
    }

    /// Version 1 of the type's own format, which is its text.
    fn jsonb(&mut self, value: Option<&Value>) {
        let Some(value) = value else { return self.null() };
        let text = value.to_string();
        self.length(text.len() + 1);
        self.0.push(1);
        self.0.extend_from_slice(text.as_bytes());
    }
}
