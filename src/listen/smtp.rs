//! SMTP up to STARTTLS (RFC 5321, RFC 3207): as the server that answers, and as the one who watches it pass by. Pure.

use super::offer::cut;

/// The longest command that is read, in octets; RFC 5321 §4.5.3.1.4 asks for 512.
const LONGEST_LINE: usize = 2048;
/// Commands until STARTTLS; clients need two.
const MOST_COMMANDS: usize = 50;

/// How the server here greets.
pub(super) const GREETING: &[u8] = b"220 certflight.invalid ESMTP, to look at TLS: takes no mail\r\n";

/// What a command asks for, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    /// EHLO, or LMTP's form of it.
    Ehlo,
    Helo,
    Starttls,
    /// What begins a transaction or a login.
    Mail,
    /// RSET and NOOP, which change nothing.
    Idle,
    Quit,
    Other,
}

impl Command {
    fn of(line: &str) -> Self {
        let verb: String = line.chars().take_while(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()).collect();
        match verb.as_str() {
            "EHLO" | "LHLO" => Self::Ehlo,
            "HELO" => Self::Helo,
            "STARTTLS" => Self::Starttls,
            "MAIL" | "RCPT" | "DATA" | "BDAT" | "AUTH" | "VRFY" | "EXPN" | "ETRN" => Self::Mail,
            "RSET" | "NOOP" | "HELP" => Self::Idle,
            "QUIT" => Self::Quit,
            _ => Self::Other,
        }
    }
}

/// Takes lines from a stream, and stops where STARTTLS stands: what follows belongs to TLS.
#[derive(Debug, Default)]
struct Lines {
    buffer: Vec<u8>,
    taken: usize,
}

/// There is no end to a line, or to the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TooMuch;

impl Lines {
    fn feed(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    fn next(&mut self) -> Result<Option<String>, TooMuch> {
        let end = self.buffer.iter().take(LONGEST_LINE).position(|octet| *octet == b'\n');
        let Some(end) = end else {
            return if self.buffer.len() < LONGEST_LINE { Ok(None) } else { Err(TooMuch) };
        };
        self.taken = self.taken.saturating_add(1);
        if self.taken > MOST_COMMANDS {
            return Err(TooMuch);
        }
        let line: Vec<u8> = self.buffer.drain(..=end).collect();
        Ok(Some(String::from_utf8_lossy(line.trim_ascii_end()).into_owned()))
    }

    /// What came after the last line taken.
    fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }
}

/// The name in EHLO or HELO.
fn greeted(line: &str) -> Option<String> {
    line.split_ascii_whitespace().nth(1).map(cut)
}

/// How far a conversation has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// More is awaited.
    Waiting,
    /// TLS begins; octets of it that came with the command.
    Tls(Vec<u8>),
    /// It ended without TLS.
    Over {
        /// A transaction or a login was begun.
        in_the_clear: bool,
    },
}

/// The server's side, which takes no mail and insists on STARTTLS until TLS is there.
#[derive(Debug)]
pub(super) struct Dialogue {
    lines: Lines,
    within_tls: bool,
    in_the_clear: bool,
    /// The name the client greeted with.
    pub(super) ehlo: Option<String>,
}

impl Dialogue {
    /// A conversation that begins in the clear.
    pub(super) fn new() -> Self {
        Self { lines: Lines::default(), within_tls: false, in_the_clear: false, ehlo: None }
    }

    /// One after the handshake, where the client greets again (RFC 3207 §4.2).
    pub(super) fn within_tls() -> Self {
        Self { within_tls: true, ..Self::new() }
    }

    /// Takes octets, and says what to answer.
    pub(super) fn feed(&mut self, octets: &[u8]) -> (Vec<u8>, Progress) {
        self.lines.feed(octets);
        let mut answers = Vec::new();
        loop {
            let line = match self.lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => return (answers, Progress::Waiting),
                Err(TooMuch) => {
                    answers.extend(b"421 4.7.0 Too much talk, closing\r\n");
                    return (answers, self.over());
                }
            };
            let command = Command::of(&line);
            if matches!(command, Command::Ehlo | Command::Helo) {
                self.ehlo = greeted(&line).or(self.ehlo.take());
            }
            let answer: &[u8] = match command {
                Command::Ehlo if self.within_tls => b"250-certflight.invalid\r\n250 8BITMIME\r\n",
                Command::Ehlo => b"250-certflight.invalid\r\n250-8BITMIME\r\n250 STARTTLS\r\n",
                Command::Helo => b"250 certflight.invalid\r\n",
                Command::Starttls if self.within_tls => b"503 5.5.1 TLS is there already\r\n",
                Command::Starttls => {
                    answers.extend(b"220 2.0.0 Go ahead\r\n");
                    let begun = self.lines.rest();
                    return (answers, Progress::Tls(begun));
                }
                Command::Mail if self.within_tls => b"550 5.7.1 This server only looks at TLS and takes no mail\r\n",
                Command::Mail => {
                    self.in_the_clear = true;
                    b"530 5.7.0 Must issue a STARTTLS command first\r\n"
                }
                Command::Idle => b"250 2.0.0 OK\r\n",
                Command::Quit => {
                    answers.extend(b"221 2.0.0 Bye\r\n");
                    return (answers, self.over());
                }
                Command::Other => b"500 5.5.2 Command not recognized\r\n",
            };
            answers.extend(answer);
        }
    }

    /// The conversation's end, whoever ends it.
    pub(super) fn over(&self) -> Progress {
        Progress::Over { in_the_clear: self.in_the_clear }
    }
}

/// Watches a conversation with another server by what the client says. Whether STARTTLS was granted shows in what comes
/// next: no command begins as TLS does.
#[derive(Debug, Default)]
pub(super) struct Follower {
    lines: Lines,
    asked: bool,
    /// The name the client greeted with.
    pub(super) ehlo: Option<String>,
}

impl Follower {
    /// Takes what the client sent.
    pub(super) fn feed(&mut self, octets: &[u8]) -> Progress {
        self.lines.feed(octets);
        loop {
            // The type of a handshake record, or the length of an SSL 2 one.
            if self.asked && self.lines.buffer.first().is_some_and(|octet| *octet == 22 || octet & 0x80 != 0) {
                return Progress::Tls(self.lines.rest());
            }
            let line = match self.lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => return Progress::Waiting,
                Err(TooMuch) => return Progress::Over { in_the_clear: false },
            };
            self.asked = false;
            match Command::of(&line) {
                Command::Ehlo | Command::Helo => self.ehlo = greeted(&line).or(self.ehlo.take()),
                Command::Starttls => self.asked = true,
                Command::Mail => return Progress::Over { in_the_clear: true },
                Command::Quit => return Progress::Over { in_the_clear: false },
                Command::Idle | Command::Other => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(dialogue: &mut Dialogue, octets: &[u8]) -> (String, Progress) {
        let (answers, progress) = dialogue.feed(octets);
        (String::from_utf8(answers).unwrap(), progress)
    }

    #[test]
    fn a_mail_client_gets_as_far_as_starttls() {
        let mut dialogue = Dialogue::new();
        let (answer, progress) = said(&mut dialogue, b"EHLO mx.example.test\r\n");
        assert!(answer.ends_with("250 STARTTLS\r\n") && progress == Progress::Waiting, "{answer}");
        assert_eq!(dialogue.ehlo.as_deref(), Some("mx.example.test"));
        let (answer, progress) = said(&mut dialogue, b"START");
        assert_eq!((answer.as_str(), progress), ("", Progress::Waiting));
        let (answer, progress) = said(&mut dialogue, b"tls\r\n");
        assert_eq!((answer.as_str(), progress), ("220 2.0.0 Go ahead\r\n", Progress::Tls(Vec::new())));
    }

    #[test]
    fn what_follows_starttls_is_no_command() {
        let (answer, progress) = said(&mut Dialogue::new(), b"STARTTLS\r\nRSET\r\n");
        assert_eq!(answer, "220 2.0.0 Go ahead\r\n");
        assert_eq!(progress, Progress::Tls(b"RSET\r\n".to_vec()));
    }

    #[test]
    fn nothing_goes_through_in_the_clear() {
        let mut dialogue = Dialogue::new();
        let (answer, _) =
            said(&mut dialogue, b"HELO a\r\nMAIL FROM:<a@example.test>\r\nNOOP\r\nXYZZY\r\nauth plain\r\nDATA\r\n");
        let codes: Vec<&str> = answer.lines().map(|line| &line[..3]).collect();
        assert_eq!(codes, ["250", "530", "250", "500", "530", "530"]);
        assert_eq!(said(&mut dialogue, b"QUIT\r\n").1, Progress::Over { in_the_clear: true });
        assert_eq!(said(&mut Dialogue::new(), b"quit\n").1, Progress::Over { in_the_clear: false });
    }

    #[test]
    fn within_tls_it_greets_again_and_takes_no_mail() {
        let mut dialogue = Dialogue::within_tls();
        let (answer, _) = said(&mut dialogue, b"EHLO a\r\nSTARTTLS\r\nMAIL FROM:<>\r\n");
        let codes: Vec<&str> = answer.lines().map(|line| &line[..3]).collect();
        assert_eq!(codes, ["250", "250", "503", "550"]);
        assert!(!answer.contains("STARTTLS\r\n"));
    }

    #[test]
    fn lines_and_commands_have_an_end() {
        let (answer, progress) = said(&mut Dialogue::new(), &[b'A'; 3000]);
        assert!(answer.starts_with("421") && progress == Progress::Over { in_the_clear: false });
        let (answer, progress) = said(&mut Dialogue::new(), &b"NOOP\r\n".repeat(100));
        assert_eq!(answer.matches("250").count(), MOST_COMMANDS);
        assert!(matches!(progress, Progress::Over { .. }));
        let long = [b"EHLO ".as_slice(), &[b'x'; 1000], b"\r\n"].concat();
        let mut dialogue = Dialogue::new();
        dialogue.feed(&long);
        assert_eq!(dialogue.ehlo.map(|name| name.len()), Some(255));
    }

    #[test]
    fn a_passing_conversation_is_followed_to_its_hello() {
        let mut follower = Follower::default();
        assert_eq!(follower.feed(b"EHLO mx.example.test\r\nSTART"), Progress::Waiting);
        assert_eq!(follower.feed(b"TLS\r\n"), Progress::Waiting);
        assert_eq!(follower.feed(&[22, 3, 1]), Progress::Tls(vec![22, 3, 1]));
        assert_eq!(follower.ehlo.as_deref(), Some("mx.example.test"));
        // STARTTLS was refused, and the client goes on without it.
        let mut refused = Follower::default();
        assert_eq!(refused.feed(b"EHLO a\r\nSTARTTLS\r\n"), Progress::Waiting);
        assert_eq!(refused.feed(b"MAIL FROM:<a@example.test>\r\n"), Progress::Over { in_the_clear: true });
        assert_eq!(Follower::default().feed(b"QUIT\r\n"), Progress::Over { in_the_clear: false });
        assert_eq!(Follower::default().feed(&[b'x'; 5000]), Progress::Over { in_the_clear: false });
    }

    proptest! {
        #[test]
        fn no_octets_are_too_odd(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = (Dialogue::new().feed(&octets), Follower::default().feed(&octets));
            let framed = [b"STARTTLS\r\n".as_slice(), &octets].concat();
            let _ = (Dialogue::new().feed(&framed), Follower::default().feed(&framed));
        }
    }
}
