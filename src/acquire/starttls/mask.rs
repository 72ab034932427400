//! The marks that a middlebox leaves which inspects a protocol by rewriting what it does not know or wants hidden.

/// A keyword of the server's list overwritten with the letter X: `XXXXXXXA` stands where `STARTTLS` stood.
pub(super) fn crossed_out(keyword: &str) -> bool {
    let crossed = keyword.bytes().take_while(|octet| *octet == b'X').count();
    crossed >= 4 && keyword.len() - crossed <= 1
}

/// A greeting overwritten with asterisks.
pub(super) fn painted_over(greeting: &str) -> bool {
    greeting.contains("****")
}

/// What shows that something on the way rewrites the conversation: a keyword (`shown` puts it as it stood on its line), else the
/// greeting.
pub(super) fn mask<'a>(
    greeting: &str,
    mut keywords: impl Iterator<Item = &'a str>,
    shown: impl Fn(&str) -> String,
) -> Option<String> {
    match keywords.find(|keyword| crossed_out(keyword)) {
        Some(keyword) => Some(shown(keyword)),
        None => painted_over(greeting).then(|| super::conversation::excerpt(greeting)),
    }
}
