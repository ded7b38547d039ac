//! Leases as columns, as the server takes them.

use mindflight_core::ports::Lease;
use uuid::Uuid;

use super::claimer::small;

/// Leases as columns: the fence of a statement that ends what they hold.
#[derive(Default)]
pub(super) struct Leases {
    pub(super) ids: Vec<Uuid>,
    pub(super) workers: Vec<i64>,
    pub(super) attempts: Vec<i16>,
}

impl Leases {
    pub(super) fn push(&mut self, lease: Lease) {
        self.ids.push(lease.job.uuid());
        self.workers.push(lease.worker);
        self.attempts.push(small(lease.attempt));
    }
}

impl FromIterator<Lease> for Leases {
    fn from_iter<I: IntoIterator<Item = Lease>>(leases: I) -> Self {
        let mut columns = Self::default();
        leases.into_iter().for_each(|lease| columns.push(lease));
        columns
    }
}
