//! The five fields of a schedule, checked one by one so that an error can name the field and what it may hold.

/// What a field may hold.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// Names for the values from `least` on.
    names: &'static [&'static str],
    /// Whether `L` and its relatives are allowed.
    is_of_days: bool,
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, names: &[], is_of_days: false },
    Field { name: "hour", least: 0, most: 23, names: &[], is_of_days: false },
    Field { name: "day of the month", least: 1, most: 31, names: &[], is_of_days: true },
    Field {
        name: "month",
        least: 1,
        most: 12,
        names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
        is_of_days: false,
    },
    Field {
        name: "day of the week",
        least: 0,
        most: 7,
        names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
        is_of_days: true,
    },
];

/// Checks the fields and puts `minute` in the place of a `T` or `H`.
pub(super) fn check(text: &str, minute: u32) -> Result<String, String> {
    let mut parts: Vec<String> = text.split_whitespace().map(str::to_ascii_uppercase).collect();
    if parts.len() != FIELDS.len() {
        return Err(wrong_count(parts.len()));
    }
    if matches!(parts[0].as_str(), "T" | "H") {
        parts[0] = minute.to_string();
    }
    for (part, field) in parts.iter().zip(&FIELDS) {
        part.split(',')
            .try_for_each(|item| field.check_item(item))
            .map_err(|reason| format!("the {} {reason}", field.name))?;
    }
    Ok(parts.join(" "))
}

fn wrong_count(count: usize) -> String {
    let hint = if count == 6 { "; there is no field for seconds" } else { "" };
    let names = FIELDS.map(|field| field.name).join(", ");
    format!("it has {count} fields and needs five ({names}), such as '0 2 * * *'{hint}")
}

impl Field {
    /// Checks one member of a list: `*`, `5`, `MON`, `1-5`, `*/15`, `1-31/2`, and for days `L`, `15W`, `5L`, `MON#1`.
    fn check_item(&self, item: &str) -> Result<(), String> {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        if let Some(step) = step {
            self.check_step(range, step)?;
        }
        if range == "*" || (self.is_of_days && matches!(range, "?" | "L" | "LW")) {
            return if range.starts_with('L') && step.is_some() { Err(self.nonsense(item)) } else { Ok(()) };
        }
        match range.split_once('-') {
            Some((from, to)) => self.check_range(from, to),
            None if step.is_some() => Err(format!("'{}': a step needs a range, as in '*/2'", item.escape_debug())),
            None => self.value(self.without_suffix(range)).map(|_| ()),
        }
    }

    fn check_step(&self, range: &str, step: &str) -> Result<(), String> {
        match step.parse::<u32>() {
            Ok(step) if (1..=self.most).contains(&step) => Ok(()),
            _ => Err(format!(
                "'{}' has the step '{}', which is not from 1 to {}",
                range.escape_debug(),
                step.escape_debug(),
                self.most
            )),
        }
    }

    fn check_range(&self, from: &str, to: &str) -> Result<(), String> {
        let (first, mut last) = (self.value(from)?, self.value(to)?);
        if to == "SUN" {
            last = 7;
        }
        if first > last { Err(format!("'{from}-{to}' runs backwards; write it as a list")) } else { Ok(()) }
    }

    /// The day that `5L`, `MON#1` or `15W` is about.
    fn without_suffix<'t>(&self, text: &'t str) -> &'t str {
        if !self.is_of_days {
            return text;
        }
        if self.most == 31 {
            return text.strip_suffix('W').unwrap_or(text);
        }
        let bare = text
            .strip_suffix('L')
            .or_else(|| ["#1", "#2", "#3", "#4", "#5", "#L"].iter().find_map(|end| text.strip_suffix(end)));
        bare.unwrap_or(text)
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        if let Some(place) = self.names.iter().position(|name| *name == text) {
            return Ok(self.least + u32::try_from(place).unwrap_or(0));
        }
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| is_number);
        let number: u32 = number.ok_or_else(|| self.nonsense(text))?;
        if (self.least..=self.most).contains(&number) {
            Ok(number)
        } else {
            Err(format!("is '{text}', which is not {}", self.range()))
        }
    }

    fn range(&self) -> String {
        format!("from {} to {}", self.least, self.most)
    }

    fn nonsense(&self, text: &str) -> String {
        let names = match self.names {
            [first, .., last] => format!(" or {first} to {last}"),
            _ => String::new(),
        };
        format!("is '{}', which is no value {}{names}", text.escape_debug(), self.range())
    }
}
