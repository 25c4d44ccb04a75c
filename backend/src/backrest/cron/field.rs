//! One field of a schedule.

/// What a field may hold.
pub(super) struct Field {
    pub(super) name: &'static str,
    least: u32,
    most: u32,
    /// Up to where Backrest reads numbers without a word: those above `most` never come true.
    readable: u32,
    /// Names for the values from `least` on.
    names: &'static [&'static str],
}

pub(super) const DAY: usize = 2;
pub(super) const MONTH: usize = 3;
pub(super) const WEEKDAY: usize = 4;

/// The number that other programs also take for Sunday.
const OTHER_SUNDAY: u32 = 7;

pub(super) const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, readable: 59, names: &[] },
    Field { name: "hour", least: 0, most: 23, readable: 24, names: &[] },
    Field { name: "day of the month", least: 1, most: 31, readable: 31, names: &[] },
    Field {
        name: "month",
        least: 1,
        most: 12,
        readable: 12,
        names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    },
    Field {
        name: "day of the week",
        least: 0,
        most: 6,
        readable: 6,
        names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    },
];

/// One member of a list: from, to, step, and whether it is a range.
struct Member {
    from: u32,
    to: u32,
    step: u32,
}

impl Field {
    /// Every value.
    pub(super) fn values(&self) -> impl Iterator<Item = u32> + use<> {
        self.least..=self.most
    }

    /// The values that a field matches when Backrest reads it; none of them may be out of range, so the list may be
    /// empty.
    pub(super) fn read(&self, text: &str) -> Result<Vec<u32>, String> {
        let members: Result<Vec<Member>, String> =
            text.to_ascii_uppercase().split(',').map(|item| self.member(item, self.readable)).collect();
        Ok(self.values_of(&members?))
    }

    /// The field as Backrest has to be told it, and the values that it matches.
    pub(super) fn translate(&self, text: &str) -> Result<(String, Vec<u32>), String> {
        let members: Result<Vec<Member>, String> = text.split(',').map(|item| self.checked(item)).collect();
        let members = members?;
        let is_weekday = self.names.first() == Some(&"SUN");
        if is_weekday && members.iter().any(|member| member.to == OTHER_SUNDAY) {
            let mut days: Vec<u32> = members.iter().flat_map(Member::values).map(|day| day % OTHER_SUNDAY).collect();
            days.sort_unstable();
            days.dedup();
            let text = days.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
            let is_every_day = days.len() == self.names.len();
            return Ok((if is_every_day { "*".to_owned() } else { text }, days));
        }
        Ok((text.to_owned(), self.values_of(&members)))
    }

    fn values_of(&self, members: &[Member]) -> Vec<u32> {
        self.values().filter(|value| members.iter().any(|member| member.values().any(|v| v == *value))).collect()
    }

    /// One member of which nothing is out of range.
    fn checked(&self, item: &str) -> Result<Member, String> {
        let most = if self.most == 6 { OTHER_SUNDAY } else { self.most };
        let mut member = self.member(item, self.most)?;
        if item.ends_with("-SUN") {
            member.to = OTHER_SUNDAY;
        }
        let shown = item.escape_debug();
        if member.from < self.least || member.to > most || member.from > most {
            return Err(format!("has '{shown}' in it, and {}", self.range()));
        }
        if member.from > member.to {
            return Err(format!("has '{shown}' in it, which runs backwards; write it as a list"));
        }
        if member.step > self.most {
            return Err(format!("has the step of '{shown}' in it, which is too large"));
        }
        Ok(member)
    }

    /// Takes `*`, `N`, `A-B`, each with a step if need be, apart. `most` is where `*` and `N/step` end.
    fn member(&self, item: &str, most: u32) -> Result<Member, String> {
        let nonsense = || format!("has '{}' in it, which Backrest does not understand", item.escape_debug());
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        let step_size = step.map_or(Some(1), number).ok_or_else(nonsense)?;
        if step_size == 0 {
            return Err(format!("has the step 0 in '{}', with which Backrest hangs", item.escape_debug()));
        }
        let value = |text: &str| self.value(text).ok_or_else(nonsense);
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (self.least, most),
            Some((from, to)) => (value(from)?, value(to)?),
            None if step.is_some() => (value(range)?, most),
            None => (value(range)?, value(range)?),
        };
        Ok(Member { from, to, step: step_size })
    }

    fn value(&self, text: &str) -> Option<u32> {
        let place = self.names.iter().position(|name| *name == text);
        place.and_then(|place| u32::try_from(place).ok()).map(|place| self.least + place).or_else(|| number(text))
    }

    pub(super) fn range(&self) -> String {
        format!("its values are from {} to {}", self.least, self.most)
    }
}

impl Member {
    fn values(&self) -> impl Iterator<Item = u32> + use<> {
        // What lies beyond any field matches nothing, so it need not be counted through.
        (self.from..=self.to.min(99)).step_by(usize::try_from(self.step).unwrap_or(usize::MAX))
    }
}

/// A number without a sign.
fn number(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}
