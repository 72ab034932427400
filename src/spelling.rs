//! How near one word is to another, for "did you mean".

/// Levenshtein distance over characters.
pub(crate) fn distance(one: &str, two: &str) -> usize {
    let two: Vec<char> = two.chars().collect();
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (line, left) in one.chars().enumerate() {
        let mut diagonal = line;
        let mut before = line.saturating_add(1);
        let mut next = vec![before];
        for (right, above) in two.iter().zip(row.iter().skip(1)) {
            let cost = usize::from(left != *right);
            before = (diagonal + cost).min(before + 1).min(above + 1);
            diagonal = *above;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// The known word that is spelt most like this one, when any is near enough to be meant.
pub(crate) fn nearest(word: &str, known: &[&'static str]) -> Option<&'static str> {
    // Longer texts are no slip of the finger, and the distance takes quadratic time.
    if word.len() > 80 {
        return None;
    }
    let word = word.to_ascii_lowercase();
    let distances = known.iter().map(|known| (distance(&word, &known.to_ascii_lowercase()), *known));
    let (distance, best) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance * 3 <= word.chars().count().max(best.len())).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_are_recognised() {
        assert_eq!(distance("kitten", "sitting"), 3);
        let known = ["root", "key_bits_min", "dns_names"];
        assert_eq!(nearest("key-bits-min", &known), Some("key_bits_min"));
        assert_eq!(nearest("Roots", &known), Some("root"));
        assert_eq!(nearest("signature", &known), None);
        assert_eq!(nearest(&"r".repeat(100), &known), None);
    }
}
