//! What is told over a session, handed out again and again without being copied each time.

use std::sync::Arc;

/// So much is kept, the first that was told.
const MOST: usize = 10_000;

/// Things told one after the other. What is beyond the most that is kept is counted.
#[derive(Debug)]
pub(super) struct Told<T> {
    kept: Vec<T>,
    shown: Arc<[T]>,
    left_out: usize,
}

impl<T> Default for Told<T> {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            shown: Arc::default(),
            left_out: 0,
        }
    }
}

impl<T: Clone> Told<T> {
    pub(super) fn push(&mut self, one: T) {
        if self.kept.len() < MOST {
            self.kept.push(one);
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn extend(&mut self, more: impl IntoIterator<Item = T>) {
        more.into_iter().for_each(|one| self.push(one));
    }

    /// All that is kept. It is copied only where something was told since.
    pub(super) fn show(&mut self) -> Arc<[T]> {
        if self.shown.len() != self.kept.len() {
            self.shown = self.kept.as_slice().into();
        }
        self.shown.clone()
    }

    pub(super) fn kept(&self) -> &[T] {
        &self.kept
    }

    /// How many were not kept.
    pub(super) fn left_out(&self) -> usize {
        self.left_out
    }
}

impl<T> From<Vec<T>> for Told<T> {
    fn from(kept: Vec<T>) -> Self {
        Self {
            kept,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_shared_until_more_is_told_and_bounded() {
        let mut told = Told::from(vec![1]);
        let first = told.show();
        assert!(Arc::ptr_eq(&first, &told.show()));
        told.extend(2..20_000);
        assert_eq!((&first[..], told.show().len()), (&[1][..], MOST));
        assert_eq!(told.left_out(), 19_999 - MOST);
        assert!(Arc::ptr_eq(&told.show(), &told.show()));
    }
}
