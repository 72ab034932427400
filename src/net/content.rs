//! What arrives as a body: decoded (RFC 9110 §8.4), counted against its limit, told apart from a
//! page for people, and handed on to a [`Sink`].

use std::io::{self, Write};

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::http::Sink;

/// Octets looked at to tell a page from an object.
const SNIFFED: usize = 1024;

/// Octets of a page that are kept to find its title.
const PAGE: usize = 16 << 10;

/// Characters of a title that are quoted.
const MAX_TITLE: usize = 100;

/// How a body was encoded for transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Deflate,
}

impl Encoding {
    /// From the values of `Content-Encoding`; `None` for one that was not asked for and is not known.
    pub(super) fn from_header(value: Option<&str>) -> Option<Self> {
        match value.map(|value| value.trim().to_ascii_lowercase()).as_deref() {
            None | Some("" | "identity") => Some(Self::Identity),
            Some("gzip" | "x-gzip") => Some(Self::Gzip),
            Some("deflate") => Some(Self::Deflate),
            Some(_) => None,
        }
    }
}

/// Why a body is not read on, or did not end well.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It exceeds the limit.
    TooLarge,
    /// It is a page for people; its title, if it has one.
    Page(Option<String>),
    /// The sink has had enough.
    Sink,
    /// It is not encoded as announced.
    Undecodable,
    /// Its encoding ends early.
    EncodingTruncated,
}

/// The body of one answer on its way into a sink.
pub(super) struct Body<S: Sink> {
    decoder: Decoder<S>,
    /// Whether nothing came yet.
    empty: bool,
}

enum Decoder<S: Sink> {
    Identity(Intake<S>),
    Gzip(Box<MultiGzDecoder<Intake<S>>>),
    /// `deflate` is zlib by RFC 9110 §8.4.1.2, but some send it bare: the first octet tells.
    DeflateToCome(Option<Intake<S>>),
    Zlib(Box<ZlibDecoder<Intake<S>>>),
    Bare(Box<DeflateDecoder<Intake<S>>>),
}

impl<S: Sink> Body<S> {
    /// A body of at most `limit` octets once decoded, whose content type is or is not that of a page.
    pub(super) fn new(sink: S, encoding: Encoding, limit: u64, announced_as_page: bool) -> Self {
        let intake = Intake {
            sink: Some(sink),
            limit,
            taken: 0,
            announced_as_page,
            stage: Stage::Sniffing(Vec::new()),
            stop: None,
        };
        let decoder = match encoding {
            Encoding::Identity => Decoder::Identity(intake),
            Encoding::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(intake))),
            Encoding::Deflate => Decoder::DeflateToCome(Some(intake)),
        };
        Self { decoder, empty: true }
    }

    /// The next octets as they came. After an `Err` nothing more is taken.
    pub(super) fn push(&mut self, octets: &[u8]) -> Result<(), Stop> {
        self.empty &= octets.is_empty();
        if let (Decoder::DeflateToCome(intake), Some(first)) = (&mut self.decoder, octets.first())
            && let Some(intake) = intake.take()
        {
            // RFC 1950: the low half of the first octet is 8. In bare deflate that would be a stored
            // block with its padding set, which no encoder writes.
            self.decoder = if first & 0x0f == 8 {
                Decoder::Zlib(Box::new(ZlibDecoder::new(intake)))
            } else {
                Decoder::Bare(Box::new(DeflateDecoder::new(intake)))
            };
        }
        let written = match &mut self.decoder {
            Decoder::Identity(intake) => intake.write_all(octets),
            Decoder::Gzip(decoder) => decoder.write_all(octets),
            Decoder::Zlib(decoder) => decoder.write_all(octets),
            Decoder::Bare(decoder) => decoder.write_all(octets),
            Decoder::DeflateToCome(_) => Ok(()),
        };
        match written {
            Ok(()) => Ok(()),
            Err(_) => Err(self.intake().and_then(|intake| intake.stop.take()).unwrap_or(Stop::Undecodable)),
        }
    }

    /// The body ended as announced: gives the sink back, with all of it.
    pub(super) fn finish(mut self) -> Result<S, Stop> {
        let empty = self.empty;
        let finished = match &mut self.decoder {
            Decoder::Gzip(decoder) => decoder.try_finish(),
            Decoder::Zlib(decoder) => decoder.try_finish(),
            Decoder::Bare(decoder) => decoder.try_finish(),
            Decoder::Identity(_) | Decoder::DeflateToCome(_) => Ok(()),
        };
        let Some(intake) = self.intake() else { return Err(Stop::Undecodable) };
        // An empty body is an empty stream to some servers, whatever its encoding.
        if finished.is_err() && intake.stop.is_none() && !empty {
            return Err(if intake.taken == 0 { Stop::Undecodable } else { Stop::EncodingTruncated });
        }
        intake.end()
    }

    /// The sink, when it ended the transfer itself.
    pub(super) fn into_sink(mut self) -> Option<S> {
        self.intake()?.sink.take()
    }

    /// The title of the page seen so far, if it is one: also when the transfer broke within it.
    pub(super) fn page(&mut self) -> Option<Option<String>> {
        match &self.intake()?.stage {
            Stage::Page(seen) => Some(title(seen)),
            _ => None,
        }
    }

    fn intake(&mut self) -> Option<&mut Intake<S>> {
        match &mut self.decoder {
            Decoder::Identity(intake) => Some(intake),
            Decoder::Gzip(decoder) => Some(decoder.get_mut()),
            Decoder::Zlib(decoder) => Some(decoder.get_mut()),
            Decoder::Bare(decoder) => Some(decoder.get_mut()),
            Decoder::DeflateToCome(intake) => intake.as_mut(),
        }
    }
}

/// Decoded octets: counted, looked at, handed on.
struct Intake<S: Sink> {
    sink: Option<S>,
    limit: u64,
    taken: u64,
    announced_as_page: bool,
    stage: Stage,
    stop: Option<Stop>,
}

enum Stage {
    /// Not enough seen to say what it is.
    Sniffing(Vec<u8>),
    /// A page, kept for its title.
    Page(Vec<u8>),
    /// An object.
    Object,
}

impl<S: Sink> Intake<S> {
    fn take(&mut self, octets: &[u8]) -> Result<(), Stop> {
        self.taken = self.taken.saturating_add(octets.len().try_into().unwrap_or(u64::MAX));
        if self.taken > self.limit && !matches!(self.stage, Stage::Page(_)) {
            return Err(Stop::TooLarge);
        }
        match &mut self.stage {
            Stage::Object => self.hand_on(octets),
            Stage::Page(seen) => keep(seen, octets),
            Stage::Sniffing(seen) => {
                seen.extend_from_slice(octets);
                let seen = match sniff(seen, self.announced_as_page) {
                    Kind::Unclear => return Ok(()),
                    kind => (kind, std::mem::take(seen)),
                };
                self.decided(seen)
            }
        }
    }

    fn decided(&mut self, (kind, seen): (Kind, Vec<u8>)) -> Result<(), Stop> {
        if kind == Kind::Page {
            let mut kept = Vec::new();
            let result = keep(&mut kept, &seen);
            self.stage = Stage::Page(kept);
            result
        } else {
            self.stage = Stage::Object;
            self.hand_on(&seen)
        }
    }

    fn hand_on(&mut self, octets: &[u8]) -> Result<(), Stop> {
        let wants_more = self.sink.as_mut().is_some_and(|sink| sink.push(octets));
        if wants_more { Ok(()) } else { Err(Stop::Sink) }
    }

    fn end(&mut self) -> Result<S, Stop> {
        if let Stage::Sniffing(seen) = &mut self.stage {
            let seen = std::mem::take(seen);
            let page = self.announced_as_page && !seen.trim_ascii().is_empty() && !is_object(&seen);
            let kind = if page { Kind::Page } else { Kind::Object };
            match self.decided((kind, seen)) {
                Ok(()) | Err(Stop::Sink) => {}
                Err(stop) => return Err(stop),
            }
        }
        match &self.stage {
            Stage::Page(seen) => Err(Stop::Page(title(seen))),
            _ => self.sink.take().ok_or(Stop::Sink),
        }
    }
}

impl<S: Sink> Write for Intake<S> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.stop.is_none()
            && let Err(stop) = self.take(octets)
        {
            self.stop = Some(stop);
        }
        match self.stop {
            None => Ok(octets.len()),
            Some(_) => Err(io::Error::other("the body is not read on")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Page,
    Object,
    Unclear,
}

/// No DER or PEM object begins with `<`. What calls itself HTML is an object all the same when it is
/// DER or PEM: content types of CRL servers are often wrong.
fn sniff(seen: &[u8], announced_as_page: bool) -> Kind {
    const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
    let text = seen.strip_prefix(UTF8_MARK).unwrap_or(seen).trim_ascii_start();
    let enough = seen.len() >= SNIFFED;
    if UTF8_MARK.starts_with(seen) {
        return Kind::Unclear;
    }
    match text.first() {
        Some(b'<') => Kind::Page,
        None if !enough => Kind::Unclear,
        // UTF-16 with its mark.
        Some(0xff | 0xfe) if matches!(text, [0xff, 0xfe, b'<', 0, ..] | [0xfe, 0xff, 0, b'<', ..]) => Kind::Page,
        Some(0xff | 0xfe) if text.len() < 4 && !enough => Kind::Unclear,
        _ if !announced_as_page || is_object(seen) => Kind::Object,
        _ if enough => Kind::Page,
        _ => Kind::Unclear,
    }
}

fn is_object(seen: &[u8]) -> bool {
    const BEGIN: &[u8] = b"-----BEGIN ";
    seen.first() == Some(&0x30) || seen.windows(BEGIN.len()).any(|window| window == BEGIN)
}

/// Keeps a page's beginning until its title is there.
fn keep(seen: &mut Vec<u8>, octets: &[u8]) -> Result<(), Stop> {
    let room = PAGE.saturating_sub(seen.len());
    seen.extend_from_slice(octets.get(..room).unwrap_or(octets));
    let found = title(seen);
    if found.is_some() || seen.len() >= PAGE { Err(Stop::Page(found)) } else { Ok(()) }
}

/// The text of a page's `<title>`, white space collapsed, cut to a quotable length.
pub(super) fn title(page: &[u8]) -> Option<String> {
    let page = String::from_utf8_lossy(page);
    // ASCII lower case keeps every octet in its place.
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower.get(start..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</title")?;
    let words: Vec<&str> = page.get(start..end)?.split_whitespace().collect();
    let title: String = words.join(" ").chars().take(MAX_TITLE).collect();
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn receive(encoding: Encoding, html: bool, limit: u64, octets: &[u8], chunk: usize) -> Result<Vec<u8>, Stop> {
        let mut body = Body::new(Vec::new(), encoding, limit, html);
        for chunk in octets.chunks(chunk) {
            body.push(chunk)?;
        }
        body.finish()
    }

    fn object(length: usize) -> Vec<u8> {
        std::iter::once(0x30).chain((0..length).map(|at| u8::try_from(at % 251).unwrap())).collect()
    }

    fn gzip(octets: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(octets).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn objects_pass_whole_however_they_are_cut() {
        let octets = object(5000);
        let zlib = {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&octets).unwrap();
            encoder.finish().unwrap()
        };
        let bare = {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&octets).unwrap();
            encoder.finish().unwrap()
        };
        for chunk in [1, 7, 4096, 100_000] {
            for html in [false, true] {
                assert_eq!(receive(Encoding::Identity, html, 10_000, &octets, chunk).as_ref(), Ok(&octets));
                assert_eq!(receive(Encoding::Gzip, html, 10_000, &gzip(&octets), chunk).as_ref(), Ok(&octets));
                assert_eq!(receive(Encoding::Deflate, html, 10_000, &zlib, chunk).as_ref(), Ok(&octets));
                assert_eq!(receive(Encoding::Deflate, html, 10_000, &bare, chunk).as_ref(), Ok(&octets));
            }
        }
        assert_eq!(receive(Encoding::Identity, true, 10, b"", 1), Ok(Vec::new()));
        assert_eq!(receive(Encoding::Identity, false, 10, b"  ", 1), Ok(b"  ".to_vec()));
        let pem = b"subject=CN = x\n-----BEGIN CERTIFICATE-----\n";
        assert_eq!(receive(Encoding::Identity, true, 100, pem, 5), Ok(pem.to_vec()));
    }

    #[test]
    fn pages_are_told_with_their_title() {
        let page = b"\xef\xbb\xbf \r\n<!DOCTYPE html><HTML><head><Title lang=en>\n Log  in\n</TITLE></head>";
        for chunk in [1, 10, 1000] {
            let told = receive(Encoding::Identity, false, 10_000, page, chunk);
            assert_eq!(told, Err(Stop::Page(Some("Log in".to_owned()))));
        }
        assert_eq!(receive(Encoding::Gzip, false, 10_000, &gzip(page), 3), Err(Stop::Page(Some("Log in".to_owned()))));
        assert_eq!(receive(Encoding::Identity, false, 10_000, b"<html>", 9), Err(Stop::Page(None)));
        assert_eq!(receive(Encoding::Identity, true, 10_000, b"blocked by policy", 4), Err(Stop::Page(None)));
        assert_eq!(
            receive(Encoding::Identity, false, 10_000, b"blocked by policy", 4),
            Ok(b"blocked by policy".to_vec())
        );
        assert_eq!(receive(Encoding::Identity, false, 99, b"\xff\xfe<\0h\0", 1), Err(Stop::Page(None)));
        let endless = [b"<html>".to_vec(), vec![b'x'; 10 * PAGE]].concat();
        assert_eq!(receive(Encoding::Identity, false, 1000, &endless, 100), Err(Stop::Page(None)));
        assert_eq!(title(format!("<title>{}</title>", "é".repeat(500)).as_bytes()).unwrap().chars().count(), MAX_TITLE);
    }

    #[test]
    fn limits_count_what_is_decoded() {
        let octets = object(999);
        assert_eq!(receive(Encoding::Identity, false, 1000, &octets, 100).as_ref(), Ok(&octets));
        assert_eq!(receive(Encoding::Identity, false, 999, &octets, 100), Err(Stop::TooLarge));
        let bomb = gzip(&vec![0x30; 50 << 20]);
        assert!(bomb.len() < 100_000);
        let mut body = Body::new(Vec::new(), Encoding::Gzip, 1 << 20, false);
        assert_eq!(body.push(&bomb), Err(Stop::TooLarge));
        assert!(body.into_sink().unwrap().len() <= 1 << 20);
    }

    #[test]
    fn broken_encodings_are_told() {
        assert_eq!(receive(Encoding::Gzip, false, 1000, &object(100), 10), Err(Stop::Undecodable));
        let whole = gzip(&object(500));
        assert_eq!(receive(Encoding::Gzip, false, 1000, &whole[..whole.len() - 20], 10), Err(Stop::EncodingTruncated));
        assert_eq!(receive(Encoding::Gzip, false, 1000, b"", 10), Ok(Vec::new()));
        assert_eq!(Encoding::from_header(Some("br")), None);
        assert_eq!(Encoding::from_header(Some("GZIP")), Some(Encoding::Gzip));
    }

    struct Brief(usize);

    impl Sink for Brief {
        fn push(&mut self, chunk: &[u8]) -> bool {
            self.0 += chunk.len();
            false
        }
    }

    #[test]
    fn a_sink_may_end_the_transfer() {
        let mut body = Body::new(Brief(0), Encoding::Identity, 1000, false);
        assert_eq!(body.push(&object(9)), Err(Stop::Sink));
        assert_eq!(body.into_sink().unwrap().0, 10);
    }
}
