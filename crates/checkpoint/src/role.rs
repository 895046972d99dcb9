//! What a snapshot is for.

/// What a snapshot is, besides a state at some step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// One of many; a newer one is as good.
    Routine,
    /// The best so far: published, and given up only for a better one.
    Best,
    /// The last of the run: never given up.
    Last,
    /// Both: published, and never given up.
    LastAndBest,
}

impl Role {
    pub(crate) fn is_best(self) -> bool {
        matches!(self, Role::Best | Role::LastAndBest)
    }

    pub(crate) fn is_last(self) -> bool {
        matches!(self, Role::Last | Role::LastAndBest)
    }

    /// Whether nothing is lost if a newer snapshot of this role takes the place of one of that role.
    pub(crate) fn takes_over(self, older: Role) -> bool {
        match older {
            Role::Routine => true,
            Role::Best => self.is_best(),
            Role::Last | Role::LastAndBest => false,
        }
    }
}
