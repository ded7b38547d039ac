//! What actix-web gives when it does nothing but parse and answer: the limit that the server is compared with.

use std::net::{SocketAddr, TcpListener};

use actix_web::{App, HttpServer, web};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// What `mindflight-bench serve-bare` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

#[derive(Deserialize)]
struct Summands {
    a: i64,
    b: i64,
}

#[derive(Serialize)]
struct Sum {
    sum: i64,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let listener = TcpListener::bind(args.listen)
        .with_context(|| format!("cannot listen on {}", args.listen))?;
    let address = listener.local_addr()?;
    actix_web::rt::System::new().block_on(async {
        let server = HttpServer::new(|| App::new().route("/add", web::post().to(add)))
            .listen(listener)?
            .run();
        println!("listening on http://{address}");
        server.await
    })?;
    Ok(())
}

async fn add(summands: web::Json<Summands>) -> web::Json<Sum> {
    let sum = summands.a.wrapping_add(summands.b);
    web::Json(Sum { sum })
}
