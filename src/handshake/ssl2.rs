//! SSL 2: its hellos, enough to ask whether a server speaks it and to see a client that offers it ("The SSL Protocol",
//! Netscape 1995, §§ 2.5–2.6; RFC 6176 says never).

use super::suite::{CipherSuite, Weakness};
use super::version::Version;

/// One of SSL 2's own suites: three octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CipherKind(pub [u8; 3]);

impl CipherKind {
    /// Every suite SSL 2 has.
    pub const ALL: [Self; 7] = [
        Self([0x07, 0x00, 0xc0]),
        Self([0x05, 0x00, 0x80]),
        Self([0x03, 0x00, 0x80]),
        Self([0x01, 0x00, 0x80]),
        Self([0x06, 0x00, 0x40]),
        Self([0x04, 0x00, 0x80]),
        Self([0x02, 0x00, 0x80]),
    ];

    /// What makes it weak: all of SSL 2's are, but for IDEA.
    #[must_use]
    pub fn weaknesses(self) -> Vec<Weakness> {
        match self.0 {
            [0x01 | 0x03, 0x00, 0x80] => vec![Weakness::Rc4],
            [0x02 | 0x04, 0x00, 0x80] => vec![Weakness::Export, Weakness::Rc4],
            [0x06, 0x00, 0x40] => vec![Weakness::Des],
            [0x07, 0x00, 0xc0] => vec![Weakness::TripleDes],
            _ => Vec::new(),
        }
    }

    /// Its name in the draft, or the number in hexadecimal.
    #[must_use]
    pub fn name(self) -> String {
        match self.0 {
            [0x01, 0x00, 0x80] => "SSL_CK_RC4_128_WITH_MD5".to_owned(),
            [0x02, 0x00, 0x80] => "SSL_CK_RC4_128_EXPORT40_WITH_MD5".to_owned(),
            [0x03, 0x00, 0x80] => "SSL_CK_RC2_128_CBC_WITH_MD5".to_owned(),
            [0x04, 0x00, 0x80] => "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5".to_owned(),
            [0x05, 0x00, 0x80] => "SSL_CK_IDEA_128_CBC_WITH_MD5".to_owned(),
            [0x06, 0x00, 0x40] => "SSL_CK_DES_64_CBC_WITH_MD5".to_owned(),
            [0x07, 0x00, 0xc0] => "SSL_CK_DES_192_EDE3_CBC_WITH_MD5".to_owned(),
            [a, b, c] => format!("0x{a:02x}{b:02x}{c:02x}"),
        }
    }
}

/// A ClientHello in SSL 2's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHello {
    /// The highest version offered; beyond 0x0002 it is a TLS client in old dress.
    pub version: u16,
    /// SSL 2's own suites.
    pub cipher_kinds: Vec<CipherKind>,
    /// Suites of SSL 3 and TLS, which stand in the same list with a leading zero (RFC 5246 §E.2).
    pub cipher_suites: Vec<CipherSuite>,
    /// The challenge, 16 to 32 octets.
    pub challenge: Vec<u8>,
}

impl ClientHello {
    /// A hello that offers SSL 2 with all its suites and nothing else.
    #[must_use]
    pub fn probe(challenge: [u8; 16]) -> Self {
        Self {
            version: Version::Ssl2.wire(),
            cipher_kinds: CipherKind::ALL.to_vec(),
            cipher_suites: Vec::new(),
            challenge: challenge.to_vec(),
        }
    }

    /// The record that carries it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut suites: Vec<u8> = self.cipher_kinds.iter().flat_map(|kind| kind.0).collect();
        for suite in &self.cipher_suites {
            suites.push(0);
            suites.extend(suite.0.to_be_bytes());
        }
        let mut body = vec![1];
        body.extend(self.version.to_be_bytes());
        body.extend(length(&suites));
        body.extend([0, 0]);
        body.extend(length(&self.challenge));
        body.extend(suites);
        body.extend_from_slice(&self.challenge);
        let [high, low] = length(&body);
        [high | 0x80, low].into_iter().chain(body).collect()
    }

    /// Reads a record; `None` while it is not whole.
    pub(super) fn decode(octets: &[u8]) -> Option<Result<Self, &'static str>> {
        let ([high, low], rest) = octets.split_first_chunk::<2>()?;
        let body = rest.get(..usize::from(u16::from_be_bytes([high & 0x7f, *low])))?;
        Some(Self::from_body(body).ok_or("its lengths do not fit"))
    }

    fn from_body(body: &[u8]) -> Option<Self> {
        let (header, rest) = body.split_first_chunk::<9>()?;
        let [_, v1, v0, s1, s0, i1, i0, c1, c0] = *header;
        let number = |high, low| usize::from(u16::from_be_bytes([high, low]));
        let (suites, rest) = rest.split_at_checked(number(s1, s0))?;
        let (_, rest) = rest.split_at_checked(number(i1, i0))?;
        let challenge = rest.get(..number(c1, c0))?.to_vec();
        let (suites, []) = suites.as_chunks::<3>() else { return None };
        let mut hello = Self {
            version: u16::from_be_bytes([v1, v0]),
            cipher_kinds: Vec::new(),
            cipher_suites: Vec::new(),
            challenge,
        };
        for suite in suites {
            match *suite {
                [0, high, low] => hello.cipher_suites.push(CipherSuite(u16::from_be_bytes([high, low]))),
                other => hello.cipher_kinds.push(CipherKind(other)),
            }
        }
        Some(hello)
    }

    /// The versions offered, best first.
    #[must_use]
    pub fn versions(&self) -> Vec<Version> {
        let tls = Version::ALL
            .into_iter()
            .rev()
            .filter(|version| (Version::Ssl3..=Version::Tls12).contains(version) && version.wire() <= self.version);
        let ssl2 = (!self.cipher_kinds.is_empty()).then_some(Version::Ssl2);
        tls.chain(ssl2).collect()
    }
}

fn length(contents: &[u8]) -> [u8; 2] {
    u16::try_from(contents.len()).unwrap_or(u16::MAX).to_be_bytes()
}

/// What an SSL 2 server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerHello {
    /// The server's certificate (DER).
    pub certificate: Vec<u8>,
    /// The suites of the client's that it takes.
    pub cipher_kinds: Vec<CipherKind>,
}

/// The longest record with a header of two octets.
pub const MAX_RECORD: usize = 0x7fff + 2;

impl ServerHello {
    /// Reads a record: `None` while it is not whole, `Some(None)` where it is no ServerHello of SSL 2.
    #[must_use]
    pub fn decode(octets: &[u8]) -> Option<Option<Self>> {
        let ([high, low], rest) = octets.split_first_chunk::<2>()?;
        if high & 0x80 == 0 {
            return Some(None);
        }
        match rest.first() {
            None => return None,
            Some(4) => {}
            Some(_) => return Some(None),
        }
        let body = rest.get(..usize::from(u16::from_be_bytes([high & 0x7f, *low])))?;
        Some(Self::from_body(body))
    }

    fn from_body(body: &[u8]) -> Option<Self> {
        let (header, rest) = body.split_first_chunk::<11>()?;
        let [_, _, _, v1, v0, c1, c0, s1, s0, _, _] = *header;
        if u16::from_be_bytes([v1, v0]) != Version::Ssl2.wire() {
            return None;
        }
        let number = |high, low| usize::from(u16::from_be_bytes([high, low]));
        let (certificate, rest) = rest.split_at_checked(number(c1, c0))?;
        let (suites, _) = rest.split_at_checked(number(s1, s0))?;
        let (suites, []) = suites.as_chunks::<3>() else { return None };
        Some(Self { certificate: certificate.to_vec(), cipher_kinds: suites.iter().copied().map(CipherKind).collect() })
    }

    /// The record that carries it; what the lab's old server answers.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let suites: Vec<u8> = self.cipher_kinds.iter().flat_map(|kind| kind.0).collect();
        let connection_id = [0x5a; 16];
        // No session was found; the certificate is X.509.
        let mut body = vec![4, 0, 1];
        body.extend(Version::Ssl2.wire().to_be_bytes());
        body.extend(length(&self.certificate));
        body.extend(length(&suites));
        body.extend(length(&connection_id));
        body.extend_from_slice(&self.certificate);
        body.extend(suites);
        body.extend(connection_id);
        let [high, low] = length(&body);
        [high | 0x80, low].into_iter().chain(body).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{HelloReader, Offered};
    use super::*;

    #[test]
    fn hellos_are_read_back() {
        let hello = ClientHello {
            version: 0x0301,
            cipher_suites: vec![CipherSuite(0x0005), CipherSuite(0x000a)],
            ..ClientHello::probe([3; 16])
        };
        let octets = hello.encode();
        let mut reader = HelloReader::default();
        assert_eq!(reader.feed(&octets[..1]), Ok(None));
        assert_eq!(reader.feed(&octets[1..20]), Ok(None));
        assert_eq!(reader.feed(&octets[20..]), Ok(Some(Offered::Ssl2(hello.clone()))));
        assert_eq!(hello.versions(), [Version::Tls10, Version::Ssl3, Version::Ssl2]);
        assert_eq!(ClientHello::probe([0; 16]).versions(), [Version::Ssl2]);
    }

    #[test]
    fn answers_are_read_back() {
        let answer = ServerHello { certificate: vec![0x30, 0], cipher_kinds: vec![CipherKind::ALL[0]] };
        let octets = answer.encode();
        assert_eq!(ServerHello::decode(&octets), Some(Some(answer)));
        assert_eq!(ServerHello::decode(&octets[..octets.len() - 1]), None);
        assert_eq!(ServerHello::decode(&[0x15, 3, 0, 0, 2, 2, 40]), Some(None), "an alert of SSL 3");
        assert_eq!(ServerHello::decode(&[0x80, 3, 0, 0, 1]), Some(None), "an error of SSL 2");
    }

    proptest! {
        #[test]
        fn no_octets_are_too_odd(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = ServerHello::decode(&octets);
            let framed: Vec<u8> = [0x80, u8::try_from(octets.len()).unwrap()].into_iter().chain(octets).collect();
            let _ = (ServerHello::decode(&framed), ClientHello::decode(&framed));
        }
    }
}
