//! Times of day.

/// A time of day with a zone (`Z`, `UTC`, `+01:00`, `GMT+1`, `GMT+0100 (CET)`) or without, in seconds of the universal day.
pub(crate) fn zoned(text: &str) -> Option<f64> {
    let text = text.split_once(" (").filter(|(_, name)| name.ends_with(')')).map_or(text, |(time, _)| time);
    if let Some(time) = universal(text) {
        return time_of_day(time);
    }
    let Some(at) = text.rfind(['+', '-']) else { return time_of_day(text) };
    let sign = if text[at..].starts_with('-') { 1.0 } else { -1.0 };
    let zone = &text[at + 1..];
    let offset = match zone.len() {
        1 | 2 => 3600 * digits(zone)?,
        4 if zone.is_ascii() => 3600 * digits(&zone[..2])? + 60 * digits(&zone[2..])?,
        _ => time_of_day(zone)? as i64,
    };
    let time = text[..at].trim_end();
    Some(time_of_day(universal(time).unwrap_or(time))? + sign * offset as f64)
}

/// What is before a word for the universal time.
fn universal(text: &str) -> Option<&str> {
    ["Z", "z", "UTC", "GMT"].iter().find_map(|zone| text.strip_suffix(zone)).map(str::trim_end)
}

/// `hours:minutes`, perhaps `:seconds` with a fraction, perhaps of one half of the day (`2:30 PM`).
pub(crate) fn time_of_day(text: &str) -> Option<f64> {
    let end = text.len().checked_sub(2).filter(|end| text.is_char_boundary(*end));
    let (time, last) = text.split_at(end.unwrap_or(0));
    let half = [("am", 0), ("pm", 12)].into_iter().find(|(half, _)| last.eq_ignore_ascii_case(half));
    let mut parts = if half.is_some() { time.trim_end() } else { text }.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next());
    let h = match (digits(hours)?, half) {
        (h @ 1..=12, Some((_, noon))) => h % 12 + noon,
        (h @ 0..24, None) => h,
        _ => return None,
    };
    let m = digits(minutes)?;
    let s: f64 = match seconds {
        None => 0.0,
        Some(s) if s.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',') => {
            s.replace(',', ".").parse().ok()?
        }
        Some(_) => return None,
    };
    let sound = parts.next().is_none() && hours.len() <= 2 && minutes.len() == 2;
    (sound && m < 60 && s < 61.0).then_some((3600 * h + 60 * m) as f64 + s)
}

pub(crate) fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}
