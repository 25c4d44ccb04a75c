//! Pages of a list, by the id of the last item.

/// Which page is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// How many items at most.
    pub limit: u64,
    /// Items after this id, in the order of the list; from the start when absent.
    pub after: Option<String>,
}

impl PageRequest {
    /// The first `limit` items.
    #[must_use]
    pub const fn first(limit: u64) -> Self {
        Self { limit, after: None }
    }
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// The id that the next page comes after; absent on the last page.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page out of one item more than was asked for: that one only tells that there is a next page.
    pub(super) fn from_one_more(mut items: Vec<T>, limit: u64, id: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = if has_more { items.last().map(id) } else { None };
        Self { items, next }
    }
}
