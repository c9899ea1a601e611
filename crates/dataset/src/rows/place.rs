//! Where in a line of JSON a field stands, for errors that an editor can jump to.

/// The column, in bytes counted from 1, of a field such as `messages[0].content` in a line that is valid JSON.
///
/// It is that of the key (of a key that stands twice, the last one), or of the item. A field that is not there stands
/// where the object begins that lacks it.
pub(super) fn column_of(line: &[u8], field: &str) -> Option<usize> {
    let mut at = skip_blank(line, 0);
    let mut column = at;
    for step in steps(field) {
        let Some((found, value)) = step.find(line, at) else { break };
        (column, at) = (found, value);
    }
    (column < line.len()).then_some(column + 1)
}

/// One step down from a value.
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// `messages[0].content` in steps. A key with a dot or bracket of its own is not found, which costs the column only.
fn steps(field: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for part in field.split('.') {
        let mut pieces = part.split('[');
        steps.extend(pieces.next().filter(|key| !key.is_empty()).map(Step::Key));
        let index = |piece: &str| piece.strip_suffix(']')?.parse().ok().map(Step::Index);
        steps.extend(pieces.filter_map(index));
    }
    steps
}

impl Step<'_> {
    /// Where the child stands, and where its value begins.
    fn find(&self, line: &[u8], at: usize) -> Option<(usize, usize)> {
        let mut found = None;
        let mut position = skip_blank(line, at);
        let open = *line.get(position)?;
        position = skip_blank(line, position + 1);
        let mut index = 0;
        while !matches!(line.get(position)?, b'}' | b']') {
            let start = position;
            if open == b'{' {
                // Past the key, the blanks and the colon.
                position = skip_blank(line, skip_blank(line, end_of_value(line, position)) + 1);
            }
            match self {
                Self::Key(key) if open == b'{' && is_key(line, start, key) => {
                    found = Some((start, position));
                }
                Self::Index(wanted) if open == b'[' && index == *wanted => {
                    return Some((start, start));
                }
                _ => {}
            }
            position = skip_blank(line, end_of_value(line, position));
            if line.get(position) == Some(&b',') {
                position = skip_blank(line, position + 1);
            }
            if position == start {
                // No JSON: nothing begins here.
                return found;
            }
            index += 1;
        }
        found
    }
}

/// Keys may be written with escapes.
fn is_key(line: &[u8], start: usize, key: &str) -> bool {
    let written = &line[start..end_of_value(line, start)];
    serde_json::from_slice::<String>(written).is_ok_and(|written| written == key)
}

fn skip_blank(line: &[u8], mut position: usize) -> usize {
    while line.get(position).is_some_and(u8::is_ascii_whitespace) {
        position += 1;
    }
    position
}

/// The place after the value that begins here.
fn end_of_value(line: &[u8], start: usize) -> usize {
    let mut position = start;
    let mut depth = 0_usize;
    while let Some(byte) = line.get(position) {
        match byte {
            b'"' => position = end_of_text(line, position) - 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' | b':' if depth == 0 => return position,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        position += 1;
        if depth == 0 && matches!(byte, b'"' | b'}' | b']') {
            return position;
        }
    }
    position
}

/// The place after the closing quote.
fn end_of_text(line: &[u8], start: usize) -> usize {
    let mut position = start + 1;
    while let Some(byte) = line.get(position) {
        match byte {
            b'"' => return position + 1,
            b'\\' => position += 2,
            _ => position += 1,
        }
    }
    position
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, field: &str, expected: &str) {
        let column = column_of(line.as_bytes(), field).expect("it is in the line");
        assert!(line[column - 1..].starts_with(expected), "column {column} of {line}");
    }

    #[test]
    fn a_field_is_found_where_its_key_stands() {
        let line = r#" {"a,{": "\"b\":", "messages": [{"role": "user"}, {"role" : 7, "x": []}], "b": -1e5, "\u0062": {}}"#;
        check(line, "a,{", r#""a,{""#);
        check(line, "b", r#""\u0062": {}"#);
        check(line, "messages", r#""messages""#);
        check(line, "messages[1]", r#"{"role" : 7"#);
        check(line, "messages[1].role", r#""role" : 7"#);
        check(line, "messages[1].content", r#"{"role" : 7"#);
        check(line, "nowhere", r#"{"a,{""#);
    }

    #[test]
    fn no_text_makes_it_panic() {
        let line = r#"{"a": [1, {"b": "c\"d"}], "e": {"f": null}}"#.as_bytes();
        for field in ["a", "a[1].b", "e.f", "e.g", "z", "", "a[9]", "[0]", "a..b", "a[x"] {
            for end in 0..line.len() {
                let _ = column_of(&line[..end], field);
                let _ = column_of(&line[end..], field);
            }
        }
        assert_eq!(column_of(b"", "a"), None);
    }
}
