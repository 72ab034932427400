//! The little of XML that XMPP streams open with: tags with their namespaces, read as they arrive.
//!
//! Comments, processing instructions, document types and entities of one's own are what RFC 6120 §11.1 forbids in a
//! stream; they are not read over but refused, and with them everything that could make a few octets expand.

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) kind: Kind,
    /// The name without its prefix.
    pub(super) local: String,
    /// The namespace that the prefix, or the lack of one, stands for here; empty where none was declared.
    pub(super) namespace: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Start,
    End,
    /// `<a/>`
    Empty,
}

/// What stands at the beginning of the octets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A tag, and how many octets it and the text before it take.
    Tag(Tag, usize),
    /// The XML declaration, and how many octets it takes.
    Declaration(usize),
    /// Not enough to say.
    More,
    /// What no stream may hold.
    Malformed,
}

/// How deep elements may stand in one another.
const MAX_DEPTH: usize = 16;
/// The most attributes of one tag.
const MAX_ATTRIBUTES: usize = 32;

/// Reads tags, and keeps which namespaces are declared around.
#[derive(Debug, Default)]
pub(super) struct Tags {
    /// Of each element that is open, its name as written, and its declarations: prefix and namespace.
    open: Vec<(String, Vec<(String, String)>)>,
    /// Whether anything has been read.
    begun: bool,
}

impl Tags {
    /// How many elements are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// The next tag.
    pub(super) fn next(&mut self, octets: &[u8]) -> Next {
        let Some(start) = octets.iter().position(|octet| *octet == b'<') else { return Next::More };
        let Some(rest) = octets.get(start.saturating_add(1)..) else { return Next::More };
        let declaration = b"?xml ";
        match rest.first() {
            None => return Next::More,
            // Only at the very beginning.
            Some(b'?') if !self.begun => {
                if declaration.iter().zip(rest).any(|(expected, octet)| expected != octet) {
                    return Next::Malformed;
                }
                let Some(end) = rest.windows(2).position(|pair| pair == b"?>") else { return Next::More };
                self.begun = true;
                return Next::Declaration(start.saturating_add(end).saturating_add(3));
            }
            Some(b'?' | b'!') => return Next::Malformed,
            Some(_) => {}
        }
        let Some(end) = end_of_tag(rest) else { return Next::More };
        self.begun = true;
        let tag = rest.get(..end).and_then(|inner| std::str::from_utf8(inner).ok()).and_then(|inner| self.tag(inner));
        tag.map_or(Next::Malformed, |tag| Next::Tag(tag, start.saturating_add(end).saturating_add(2)))
    }

    /// A tag from what stands between its brackets.
    fn tag(&mut self, inner: &str) -> Option<Tag> {
        if let Some(name) = inner.strip_prefix('/') {
            let name = name.trim_end();
            let tag = self.named(name, Kind::End)?;
            return (self.open.pop()?.0 == name).then_some(tag);
        }
        let (kind, inner) = match inner.strip_suffix('/') {
            Some(inner) => (Kind::Empty, inner),
            None => (Kind::Start, inner),
        };
        let name_end = inner.find(|c: char| c.is_ascii_whitespace()).unwrap_or(inner.len());
        let (name, attributes) = inner.split_at(name_end);
        if self.open.len() >= MAX_DEPTH {
            return None;
        }
        self.open.push((name.to_owned(), declarations(attributes)?));
        let tag = self.named(name, kind);
        if kind == Kind::Empty {
            self.open.pop();
        }
        tag
    }

    fn named(&self, name: &str, kind: Kind) -> Option<Tag> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        if local.is_empty() || !local.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return None;
        }
        let declared = self.open.iter().rev().flat_map(|(_, declared)| declared).find(|(of, _)| of == prefix);
        let namespace = declared.map(|(_, namespace)| namespace.clone()).unwrap_or_default();
        Some(Tag { kind, local: local.to_owned(), namespace })
    }
}

/// Where the `>` of a tag stands; one within a quoted value does not end it.
fn end_of_tag(octets: &[u8]) -> Option<usize> {
    let mut quote = None;
    octets.iter().position(|octet| {
        match (quote, octet) {
            (None, b'"' | b'\'') => quote = Some(*octet),
            (None, b'>') => return true,
            (Some(open), _) if open == *octet => quote = None,
            _ => {}
        }
        false
    })
}

/// The namespace declarations among attributes; `None` where they are none.
fn declarations(mut attributes: &str) -> Option<Vec<(String, String)>> {
    let mut declared = Vec::new();
    for _ in 0..MAX_ATTRIBUTES {
        attributes = attributes.trim_ascii_start();
        if attributes.is_empty() {
            return Some(declared);
        }
        let (name, rest) = attributes.split_once('=')?;
        let rest = rest.trim_ascii_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, behind) = rest.get(1..)?.split_once(quote)?;
        match name.trim_ascii_end() {
            "xmlns" => declared.push((String::new(), value.to_owned())),
            name => declared.extend(name.strip_prefix("xmlns:").map(|prefix| (prefix.to_owned(), value.to_owned()))),
        }
        attributes = behind;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(text: &str) -> Option<Vec<String>> {
        let mut reader = Tags::default();
        let mut rest = text.as_bytes();
        let mut seen = Vec::new();
        loop {
            match reader.next(rest) {
                Next::Tag(tag, taken) => {
                    seen.push(format!("{:?} {}{{{}}}", tag.kind, tag.local, tag.namespace));
                    rest = &rest[taken..];
                }
                Next::Declaration(taken) => rest = &rest[taken..],
                Next::More => return Some(seen),
                Next::Malformed => return None,
            }
        }
    }

    #[test]
    fn tags_have_their_namespaces() {
        assert_eq!(
            tags(
                "<?xml version='1.0'?> <s:stream xmlns='jabber:client' xmlns:s=\"urn:s\" a='x>y'>text<s:f><a xmlns='urn:a'/>\
                 <b >x</b ></s:f><open"
            )
            .unwrap(),
            ["Start stream{urn:s}", "Start f{urn:s}", "Empty a{urn:a}", "Start b{jabber:client}", "End b{jabber:client}", "End f{urn:s}"]
        );
        assert_eq!(tags("<a:b/>").unwrap(), ["Empty b{}"]);
        for incomplete in ["", "x", "<", "<?", "<?xm", "<?xml ", "<a b='>", "<a"] {
            assert_eq!(tags(incomplete).unwrap().len(), 0, "{incomplete}");
        }
    }

    #[test]
    fn what_a_stream_may_not_hold_is_refused() {
        for text in [
            "<!DOCTYPE a [<!ENTITY b 'c'>]>",
            "<!-- a -->",
            "<?php ?>",
            "<a><?xml version='1.0'?>",
            "<?xml version='1.0'?><?xml version='1.0'?>",
            "<a><![CDATA[b]]>",
            "<a></b>",
            "</a>",
            "< a>",
            "<>",
            "<a b>",
            "<a b=c>",
            "<a 'b'>",
            "<1>",
            "<a:>",
        ] {
            assert_eq!(tags(text), None, "{text}");
        }
        assert_eq!(tags(&"<a>".repeat(MAX_DEPTH)).unwrap().len(), MAX_DEPTH);
        assert_eq!(tags(&"<a>".repeat(MAX_DEPTH + 1)), None);
        assert_eq!(tags(&format!("<a {}>", "b='c' ".repeat(MAX_ATTRIBUTES))), None);
    }

    proptest::proptest! {
        #[test]
        fn no_octets_make_it_panic_and_it_never_takes_more_than_there_are(
            octets in proptest::collection::vec(proptest::num::u8::ANY, 0..60),
            text in "[<>/?!a:='\" \u{e4}-]{0,40}",
        ) {
            for octets in [octets.as_slice(), text.as_bytes()] {
                let (mut reader, mut rest) = (Tags::default(), octets);
                while let Next::Tag(_, taken) | Next::Declaration(taken) = reader.next(rest) {
                    proptest::prop_assert!(taken > 0);
                    rest = rest.get(taken..).unwrap();
                }
            }
        }
    }
}
