//! What is measured, and against what.

use core::fmt;
use core::time::Duration;
use std::time::Instant;

use crate::alloc_count::{Counts, Scope};

/// One task, done by several contenders on the same input.
#[derive(Debug)]
pub struct Job {
    /// Layer and task, for example `pool/burst_64`.
    pub name: String,
    /// Payload bytes that one operation handles; 0 where that has no meaning.
    pub bytes_per_op: u64,
    /// Ours, the peers and the floors.
    pub contenders: Vec<Contender>,
}

impl Job {
    /// Creates a job without contenders.
    #[must_use]
    pub fn new(name: impl Into<String>, bytes_per_op: u64) -> Self {
        Self { name: name.into(), bytes_per_op, contenders: Vec::new() }
    }

    /// Adds a contender.
    #[must_use]
    pub fn with(mut self, contender: Contender) -> Self {
        self.contenders.push(contender);
        self
    }
}

/// What a contender is to the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of this workspace's crates.
    Ours,
    /// What else one could use.
    Peer,
    /// What the machine allows: a pass over the bytes, or a part of the work alone.
    Floor,
}

/// One way to do a [`Job`].
pub struct Contender {
    /// Name and, where it matters, how it is used.
    pub name: String,
    /// Ours, a peer or a floor.
    pub kind: Kind,
    /// Fails when the output is not what the job asks for.
    pub(super) check: Box<dyn FnMut() -> anyhow::Result<()>>,
    /// Does the operation so many times and returns how long that took, without setting up.
    pub(super) run: Box<dyn FnMut(u64) -> Duration>,
    /// Does the operation so many times and returns what all of its threads asked of the allocator.
    pub(super) count: Option<Box<dyn FnMut(u64) -> Counts>>,
    /// Whether what an operation made is kept, and those counts say how much that is.
    pub(super) is_holding: bool,
    /// Does the operation once from nothing, pools included.
    pub(super) fresh: Option<Box<dyn FnMut()>>,
}

impl Contender {
    /// Creates a contender whose operation is `op`, timed in batches.
    pub fn new(kind: Kind, name: impl Into<String>, mut op: impl FnMut() + 'static) -> Self {
        Self::timed(kind, name, move |count| {
            let start = Instant::now();
            for _ in 0..count {
                op();
            }
            start.elapsed()
        })
    }

    /// Creates a contender that does its operation so many times and tells how long that took.
    pub fn timed(
        kind: Kind,
        name: impl Into<String>,
        run: impl FnMut(u64) -> Duration + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            kind,
            check: Box::new(|| Ok(())),
            run: Box::new(run),
            count: None,
            is_holding: false,
            fresh: None,
        }
    }

    /// Creates a contender whose operation needs something made before and dropped after it,
    /// neither of which is timed.
    pub fn with_setup<T, U>(
        kind: Kind,
        name: impl Into<String>,
        mut setup: impl FnMut() -> T + 'static,
        mut op: impl FnMut(T) -> U + 'static,
    ) -> Self {
        Self::timed(kind, name, move |count| {
            let mut total = Duration::ZERO;
            for _ in 0..count {
                let input = setup();
                let start = Instant::now();
                let output = core::hint::black_box(op(input));
                total += start.elapsed();
                drop(output);
            }
            total
        })
    }

    /// Adds a check of the output, run before anything is timed.
    #[must_use]
    pub fn checked(mut self, check: impl FnMut() -> anyhow::Result<()> + 'static) -> Self {
        self.check = Box::new(check);
        self
    }

    /// Adds how to count the allocations of operations that use threads of their own.
    #[must_use]
    pub fn counted(mut self, count: impl FnMut(u64) -> Counts + 'static) -> Self {
        self.count = Some(Box::new(count));
        self
    }

    /// Adds how to do the operation so many times and keep what it made: the live bytes of the counts are
    /// those that it keeps.
    #[must_use]
    pub fn holding(self, count: impl FnMut(u64) -> Counts + 'static) -> Self {
        Self { is_holding: true, ..self.counted(count) }
    }

    /// Adds how to do the operation once from nothing, for the peak of live memory.
    #[must_use]
    pub fn from_nothing(mut self, fresh: impl FnMut() + 'static) -> Self {
        self.fresh = Some(Box::new(fresh));
        self
    }

    pub(super) fn counts(&mut self, ops: u64) -> Counts {
        if let Some(count) = &mut self.count {
            return count(ops);
        }
        let scope = Scope::start();
        (self.run)(ops);
        scope.finish()
    }

    /// Counts one operation from nothing; `None` when it differs in nothing from the others.
    pub(super) fn fresh_counts(&mut self) -> Option<Counts> {
        let fresh = self.fresh.as_mut()?;
        let scope = Scope::start();
        fresh();
        Some(scope.finish())
    }
}

impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contender")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
