//! XMPP STARTTLS (RFC 6120 §5), between client and server and between servers.

use std::fmt::Write as _;
use std::net::Ipv6Addr;

use super::conversation::Conversation;
use super::xml::{Kind, Next, Tag, Tags};
use super::{Declined, Protocol};

const STREAMS: &str = "http://etherx.jabber.org/streams";
const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";

/// The most octets of the server's stream header with its features, and of its answer to STARTTLS.
const MAX_OCTETS: usize = 16 << 10;

pub(super) struct ClientToServer;
pub(super) struct ServerToServer;

impl Protocol for ClientToServer {
    const FAREWELL: &'static [u8] = b"</stream:stream>";

    fn begins(octets: &[u8]) -> bool {
        begins(octets)
    }

    async fn ask(conversation: &mut Conversation, name: &str) -> Result<(), Declined> {
        ask(conversation, "jabber:client", name).await
    }
}

impl Protocol for ServerToServer {
    const FAREWELL: &'static [u8] = ClientToServer::FAREWELL;

    fn begins(octets: &[u8]) -> bool {
        begins(octets)
    }

    async fn ask(conversation: &mut Conversation, name: &str) -> Result<(), Declined> {
        ask(conversation, "jabber:server", name).await
    }
}

fn begins(octets: &[u8]) -> bool {
    octets.iter().find(|octet| !octet.is_ascii_whitespace()).is_none_or(|octet| *octet == b'<') && !is_other(octets)
}

/// A web page is the other thing that begins with a bracket.
fn is_other(octets: &[u8]) -> bool {
    let start = octets.trim_ascii_start();
    [&b"<!"[..], b"<html", b"<HTML"].iter().any(|other| start.starts_with(other))
}

async fn ask(conversation: &mut Conversation, content: &str, name: &str) -> Result<(), Declined> {
    let header = format!(
        "<?xml version='1.0'?><stream:stream to='{}' version='1.0' xml:lang='en' xmlns='{content}' xmlns:stream='{STREAMS}'>",
        escaped(&domain(name))
    );
    conversation.send("stream", header.as_bytes()).await?;
    let mut answers = Answers { conversation, name, tags: Tags::default(), read: 0 };
    let stream = answers.next("stream").await?;
    if !(is(&stream, "stream", STREAMS) && stream.kind == Kind::Start) {
        return Err(answers.conversation.not_understood("stream", format!("<{}>", stream.local).as_bytes()));
    }
    answers.features().await?;
    answers.conversation.send("STARTTLS", format!("<starttls xmlns='{TLS}'/>").as_bytes()).await?;
    answers.read = 0;
    let answer = answers.next("STARTTLS").await?;
    if is(&answer, "proceed", TLS) {
        // <proceed></proceed> is the same as <proceed/>.
        return if answer.kind == Kind::Start {
            answers.element(&answer, "STARTTLS").await.map(|_| ())
        } else {
            Ok(())
        };
    }
    if is(&answer, "failure", TLS) {
        return Err(Declined::refused("STARTTLS", "<failure/>"));
    }
    Err(answers.not_expected(&answer, "STARTTLS").await)
}

fn is(tag: &Tag, local: &str, namespace: &str) -> bool {
    tag.local == local && tag.namespace == namespace
}

struct Answers<'a> {
    conversation: &'a mut Conversation,
    /// The domain asked for.
    name: &'a str,
    tags: Tags,
    /// How many octets have been taken since the last question.
    read: usize,
}

impl Answers<'_> {
    /// Reads `<stream:features>` through; `Ok` where STARTTLS is among them.
    async fn features(&mut self) -> Result<(), Declined> {
        const STEP: &str = "features";
        let features = self.next(STEP).await?;
        if !is(&features, "features", STREAMS) {
            return Err(self.not_expected(&features, STEP).await);
        }
        let within = self.element(&features, STEP).await?;
        if within.iter().any(|tag| is(tag, "starttls", TLS)) {
            return Ok(());
        }
        Err(Declined::not_listed(STEP, "STARTTLS", within.iter().map(|tag| tag.local.as_str()), None))
    }

    /// The elements that stand directly in one that has been opened, up to its end.
    async fn element(&mut self, opened: &Tag, step: &'static str) -> Result<Vec<Tag>, Declined> {
        let mut within = Vec::new();
        if opened.kind != Kind::Start {
            return Ok(within);
        }
        let depth = self.tags.depth();
        loop {
            let tag = self.next(step).await?;
            let stands_within = match tag.kind {
                Kind::Start => self.tags.depth() == depth.saturating_add(1),
                Kind::Empty => self.tags.depth() == depth,
                Kind::End if self.tags.depth() < depth => return Ok(within),
                Kind::End => false,
            };
            if stands_within {
                within.push(tag);
            }
        }
    }

    /// The server says something else, which it may explain: `<stream:error><host-unknown/></stream:error>`.
    async fn not_expected(&mut self, tag: &Tag, step: &'static str) -> Declined {
        if !is(tag, "error", STREAMS) {
            let seen = format!("<{}>", tag.local);
            return self.conversation.not_understood(step, seen.as_bytes());
        }
        let within = match self.element(tag, step).await {
            Ok(within) => within,
            Err(declined) => return declined,
        };
        let conditions = within.iter().filter(|tag| tag.local != "text").map(|tag| format!("<{}/>", tag.local));
        let mut text = conditions.collect::<Vec<_>>().join(" ");
        if within.iter().any(|tag| tag.local == "host-unknown") {
            let _ = write!(text, ", since this server serves no domain {}; --servername asks for another", self.name);
        }
        Declined::refused(step, &text)
    }

    async fn next(&mut self, step: &'static str) -> Result<Tag, Declined> {
        loop {
            match self.tags.next(self.conversation.waiting()) {
                Next::Declaration(taken) => {
                    self.conversation.taken(taken);
                    self.read = self.read.saturating_add(taken);
                }
                Next::Tag(tag, taken) => {
                    self.conversation.taken(taken);
                    self.read = self.read.saturating_add(taken);
                    return Ok(tag);
                }
                Next::More if self.read.saturating_add(self.conversation.waiting().len()) < MAX_OCTETS => {
                    self.conversation.read(step).await?;
                }
                Next::More | Next::Malformed => {
                    return Err(self.conversation.not_understood(step, self.conversation.waiting()));
                }
            }
        }
    }
}

/// A name as it stands in an address of XMPP: U-labels, an IPv6 address in brackets (RFC 7622 §3.2).
fn domain(name: &str) -> String {
    match name.parse::<Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => idna::domain_to_unicode(name).0,
    }
}

/// Host names hold none of these; what else `--servername` lets through must not end the attribute.
fn escaped(name: &str) -> String {
    name.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&apos;")
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::script::Turn::{Hears, Says, Waits};
    use super::super::script::{Turn, accepts, breaks_off, refuses};
    use super::*;
    use crate::acquire::StarttlsRefusal::{NotOffered, Refused};
    use crate::net::Outcome;
    use crate::target::Scheme;

    const OPENS: Turn = Hears(
        b"<?xml version='1.0'?><stream:stream to='www.real.test' version='1.0' xml:lang='en' xmlns='jabber:client' \
          xmlns:stream='http://etherx.jabber.org/streams'>",
    );
    const ASKS: Turn = Hears(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    const STREAM: Turn = Says(
        b"<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' from='www.real.test' \
          xmlns='jabber:client' id='>' version='1.0'>",
    );
    const FEATURES: Turn = Says(
        b"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>\
          </mechanisms><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>",
    );
    const PROCEED: Turn = Says(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");

    pub(in super::super) const GOOD: &[Turn] = &[OPENS, STREAM, FEATURES, ASKS, PROCEED];
    pub(in super::super) const GOOD_BETWEEN_SERVERS: &[Turn] = &[
        Hears(
            b"<?xml version='1.0'?><stream:stream to='www.real.test' version='1.0' xml:lang='en' xmlns='jabber:server' \
              xmlns:stream='http://etherx.jabber.org/streams'>",
        ),
        STREAM,
        FEATURES,
        ASKS,
        PROCEED,
    ];

    #[tokio::test]
    async fn namespaces_count_and_prefixes_do_not() {
        accepts(
            Scheme::Xmpp,
            &[&[
                OPENS,
                Says(b" \n<s:stream xmlns:s=\"http://etherx.jabber.org/streams\" xmlns:t='urn:ietf:params:xml:ns:xmpp-tls'>"),
                Says(b" <s:features >\n<t:starttls ></t:starttls>\n</s:features> "),
                ASKS,
                Says(b"<t:proceed></t:proceed>"),
            ]],
        )
        .await;
    }

    #[tokio::test]
    async fn refusals_are_told_apart() {
        let refused = |text: &str| Refused(text.to_owned());
        refuses::<ClientToServer>(
            Scheme::Xmpp,
            &[
                (
                    &[OPENS, STREAM, Says(b"<stream:features><bind xmlns='b'><starttls/></bind><sub xmlns='c'/></stream:features>")],
                    NotOffered,
                    "features does not list STARTTLS; it lists bind, sub",
                ),
                // Of another namespace.
                (&[OPENS, STREAM, Says(b"<stream:features><starttls xmlns='c'/></stream:features>")], NotOffered, "it lists starttls"),
                (&[OPENS, STREAM, Says(b"<stream:features/>")], NotOffered, "it lists nothing"),
                (
                    &[OPENS, STREAM, FEATURES, ASKS, Says(b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")],
                    refused("<failure/>"),
                    "STARTTLS was answered with <failure/>",
                ),
                (
                    &[OPENS, STREAM, Says(b"<stream:error><host-unknown xmlns='e'/><text xmlns='e'>who?</text></stream:error>")],
                    refused("<host-unknown/>, since this server serves no domain www.real.test; --servername asks for another"),
                    "features was answered with <host-unknown/>",
                ),
                (
                    &[OPENS, STREAM, FEATURES, ASKS, Says(b"<stream:error><policy-violation xmlns='e'/></stream:error>")],
                    refused("<policy-violation/>"),
                    "STARTTLS was answered with <policy-violation/>",
                ),
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn malformed_answers_are_told() {
        breaks_off(
            Scheme::Xmpp,
            &[
                (
                    &[OPENS, Says(b"<stream xmlns='other'>"), Waits],
                    Outcome::NotTls,
                    "stream: what answers is not XMPP: \"<stream>\"",
                ),
                (
                    &[OPENS, STREAM, Says(b"<message/>"), Waits],
                    Outcome::NotTls,
                    "features: what answers is not XMPP: \"<message>\"",
                ),
                (
                    &[OPENS, STREAM, FEATURES, ASKS, Says(b"<message/>"), Waits],
                    Outcome::NotTls,
                    "STARTTLS: what answers is not XMPP",
                ),
                (&[OPENS, STREAM, Says(b"<!DOCTYPE a [<!ENTITY b 'c'>]>"), Waits], Outcome::NotTls, "not XMPP"),
                (&[OPENS, STREAM, Says(b"</stream:stream>"), Waits], Outcome::NotTls, "not XMPP"),
            ],
        )
        .await;
    }

    #[test]
    fn domains_are_written_as_addresses_of_xmpp_have_them() {
        assert_eq!(domain("xn--bcher-kva.example"), "bücher.example");
        assert_eq!(domain("www.real.test"), "www.real.test");
        assert_eq!((domain("2001:db8::1"), domain("192.0.2.1")), ("[2001:db8::1]".to_owned(), "192.0.2.1".to_owned()));
    }

    #[test]
    fn a_name_does_not_leave_its_attribute() {
        assert_eq!(escaped("a'/><b c='&"), "a&apos;/>&lt;b c=&apos;&amp;");
    }
}
