//! A share of a pool for one connection or one tenant.

use core::fmt;

use crate::{limit::account::Account, pool::Pool, sync::Arc};

/// A hard cap on what one connection or tenant takes from a pool, and the account of it.
///
/// [`pool`](Self::pool) is a handle like any other that code can be given: every segment taken
/// through it counts against the budget with its whole size, until its last view is dropped. A
/// budget of a budget's pool counts against both: connections within a tenant.
///
/// Taking and giving back cost a few atomic operations more than without a budget. Cloning gives
/// another handle to the same budget.
///
/// # Examples
///
/// ```
/// use seg_pool::{Budget, Cause, Pool, SegmentSize};
///
/// # fn main() -> Result<(), seg_pool::TakeError> {
/// let pool = Pool::builder().bytes_max(64 << 20).build();
/// let tenant = Budget::new(&pool, 1 << 20);
/// let connection = Budget::new(tenant.pool(), 32 << 10);
///
/// let one = connection.pool().try_take(16_384)?;
/// let two = connection.pool().try_take(16_384)?;
/// let refused = connection.pool().try_take_size(SegmentSize::K16).unwrap_err();
/// assert_eq!(refused.cause(), Cause::Budget);
/// drop(one);
/// assert_eq!((connection.used_bytes(), tenant.used_bytes()), (16_384, 16_384));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Budget {
    account: Arc<Account>,
    pool: Pool,
}

impl Budget {
    /// Creates a budget of at most `bytes_max` from `pool`. The sum of all budgets may be above
    /// what the pool has: a budget caps, it does not reserve.
    #[must_use]
    pub fn new(pool: &Pool, bytes_max: usize) -> Self {
        Self::with_label(pool, bytes_max, "")
    }

    /// Creates a budget with a label, by which its [statistics](Self::stats) are told apart.
    #[must_use]
    pub fn with_label(pool: &Pool, bytes_max: usize, label: impl Into<Box<str>>) -> Self {
        let account = Account::new(label.into(), bytes_max, pool.account().cloned());
        Self { pool: pool.with_account(Arc::clone(&account)), account }
    }

    /// Returns the handle that takes on this budget's account.
    #[must_use]
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Returns the size of all segments that are in use on this account, in bytes.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.account.used()
    }

    /// Returns the highest value that [`used_bytes`](Self::used_bytes) has had.
    #[must_use]
    pub fn used_bytes_peak(&self) -> usize {
        self.account.used_peak()
    }

    /// Returns the cap in bytes.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.account.bytes_max()
    }

    /// Returns the label; empty without one.
    #[must_use]
    pub fn label(&self) -> &str {
        self.account.label()
    }

    /// Returns the budget's figures at one moment. Locks the queue of its waiters, and allocates for
    /// the label.
    ///
    /// # Examples
    ///
    /// ```
    /// use seg_pool::{Budget, Pool};
    ///
    /// let tenant = Budget::with_label(&Pool::new(), 1_024, "tenant 7");
    /// let held = tenant.pool().take(1_024);
    /// assert!(tenant.pool().try_take(1).is_err());
    /// let stats = tenant.stats();
    /// assert_eq!((stats.label(), stats.used_bytes(), stats.refused()), ("tenant 7", 1_024, 1));
    /// # drop(held);
    /// ```
    #[must_use]
    pub fn stats(&self) -> BudgetStats {
        BudgetStats {
            label: self.label().into(),
            used_bytes: self.used_bytes(),
            used_bytes_peak: self.used_bytes_peak(),
            bytes_max: self.bytes_max(),
            refused: self.account.refused(),
            waits: self.account.waits(),
        }
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("used_bytes", &self.used_bytes())
            .field("bytes_max", &self.bytes_max())
            .finish_non_exhaustive()
    }
}

/// A budget's figures at one moment, from [`Budget::stats`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetStats {
    label: Box<str>,
    used_bytes: usize,
    used_bytes_peak: usize,
    bytes_max: usize,
    refused: usize,
    waits: u64,
}

impl BudgetStats {
    /// Returns the budget's label; empty without one.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Returns the size of all segments that are in use on the account, in bytes.
    #[must_use]
    pub const fn used_bytes(&self) -> usize {
        self.used_bytes
    }

    /// Returns the highest value that [`used_bytes`](Self::used_bytes) has had.
    #[must_use]
    pub const fn used_bytes_peak(&self) -> usize {
        self.used_bytes_peak
    }

    /// Returns the cap in bytes.
    #[must_use]
    pub const fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// Returns how often this budget refused a segment; what a budget above it or the pool refused
    /// is counted there.
    #[must_use]
    pub const fn refused(&self) -> usize {
        self.refused
    }

    /// Returns how often a [`Pool::take_async`] had to wait for this budget.
    #[must_use]
    pub const fn waits(&self) -> u64 {
        self.waits
    }
}
