//! LDAP URLs as certificates have them (RFC 4516; RFC 5280 §4.2.1.13, §4.2.2.1).

use url::Url;

use super::filter;

/// Attributes that one URL may ask for; certificates name one.
const MAX_ATTRIBUTES: usize = 16;

/// Why a URL cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LdapUrlError(pub(super) String);

/// How far below its base a search looks (RFC 4511 §4.5.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The entry itself; the default of RFC 4516 §3.
    Base,
    /// The entries right below it.
    One,
    /// It and everything below.
    Sub,
}

/// What a URL asks its host for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Distinguished name of the base object (RFC 4514), as the directory is to read it.
    pub base: String,
    /// Attribute descriptions, options such as `;binary` included. None: the URL names none.
    pub attributes: Vec<String>,
    /// How far it looks.
    pub scope: Scope,
    /// The filter, encoded (RFC 4511 §4.5.1).
    pub(super) filter: Vec<u8>,
}

impl Query {
    /// Reads `ldap://host/dn?attributes?scope?filter?extensions`.
    ///
    /// # Errors
    /// [`LdapUrlError`]: which part cannot be read, or what is not spoken here.
    pub fn of(url: &Url) -> Result<Self, LdapUrlError> {
        let text = |part: &str| percent_decode(part).ok_or_else(|| error("a part of it is no percent-encoded UTF-8"));
        let base = text(url.path().strip_prefix('/').unwrap_or_default())?;
        let mut parts = url.query().unwrap_or_default().splitn(4, '?');
        let mut next = || parts.next().unwrap_or_default();
        let (attributes, scope, filter, extensions) = (next(), next(), next(), next());
        let named = attributes.split(',').filter(|attribute| !attribute.is_empty());
        let attributes: Vec<String> = named.map(text).collect::<Result<_, _>>()?;
        if attributes.len() > MAX_ATTRIBUTES {
            return Err(error(&format!("it names more than {MAX_ATTRIBUTES} attributes")));
        }
        if let Some(strange) = attributes.iter().find(|attribute| !is_description(attribute)) {
            return Err(error(&format!("`{strange}` is no attribute description")));
        }
        let scope = match scope.to_ascii_lowercase().as_str() {
            "" | "base" => Scope::Base,
            "one" => Scope::One,
            "sub" => Scope::Sub,
            other => return Err(error(&format!("`{other}` is no scope"))),
        };
        // RFC 4516 §2: whoever does not know a critical extension must not follow the URL. None is known here.
        if let Some(critical) = extensions.split(',').find(|extension| extension.starts_with('!')) {
            return Err(error(&format!("the critical extension `{critical}` is not known")));
        }
        let filter = filter::encode(&text(filter)?).map_err(|reason| error(&reason))?;
        Ok(Self { base, attributes, scope, filter })
    }
}

/// The URL, asking for these attributes where it names none.
#[must_use]
pub fn with_default_attributes(url: &Url, attributes: &[&str]) -> Url {
    let query = url.query().unwrap_or_default();
    let (named, rest) = match query.split_once('?') {
        Some((named, rest)) => (named, Some(rest)),
        None => (query, None),
    };
    let mut url = url.clone();
    if named.is_empty() {
        let attributes = attributes.join(",");
        let query = rest.map_or_else(|| attributes.clone(), |rest| format!("{attributes}?{rest}"));
        url.set_query(Some(&query));
    }
    url
}

fn error(reason: &str) -> LdapUrlError {
    LdapUrlError(reason.to_owned())
}

/// A name or an object identifier with options (RFC 4512 §2.5), `*` or `+`.
fn is_description(text: &str) -> bool {
    matches!(text, "*" | "+")
        || text.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '.' | ';' | '_'))
}

/// `None` where a `%` starts no octet, or no UTF-8 comes out.
fn percent_decode(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        (octets, rest) = match (first, tail) {
            (b'%', [high, low, after @ ..]) => {
                octets.push(octet(*high, *low)?);
                (octets, after)
            }
            (b'%', _) => return None,
            (other, after) => {
                octets.push(*other);
                (octets, after)
            }
        };
    }
    String::from_utf8(octets).ok()
}

/// The octet that two hexadecimal digits stand for.
pub(super) fn octet(high: u8, low: u8) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Result<Query, LdapUrlError> {
        Query::of(&text.parse().unwrap())
    }

    #[test]
    fn reads_what_a_domain_ca_writes() {
        let read = query(
            "ldap://dc.example/CN=Example%20CA,CN=CDP,DC=example?certificateRevocationList?base?objectClass=cRLDistributionPoint",
        )
        .unwrap();
        assert_eq!(read.base, "CN=Example CA,CN=CDP,DC=example");
        assert_eq!(read.attributes, ["certificateRevocationList"]);
        assert_eq!(read.scope, Scope::Base);
        assert_eq!(read.filter[0], 0xa3);
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        for text in ["ldap://d/cn=x", "ldap://d/cn=x?", "ldap://d/cn=x????"] {
            let read = query(text).unwrap();
            assert_eq!((read.attributes.as_slice(), read.scope), (&[][..], Scope::Base), "{text}");
            assert_eq!(read.filter, [&[0x87, 11][..], b"objectClass"].concat());
        }
        assert_eq!(query("ldap://d").unwrap().base, "");
        assert_eq!(query("ldap://d/o=a??SUB?(cn=*)").unwrap().scope, Scope::Sub);
        let several = query("ldap://d/cn=caf%C3%A9?a,b;binary?one").unwrap();
        assert_eq!((several.base.as_str(), several.attributes.len()), ("cn=caf\u{e9}", 2));
    }

    #[test]
    fn what_cannot_be_asked_is_said() {
        for (text, reason) in [
            ("ldap://d/cn=%zz", "percent-encoded"),
            ("ldap://d/cn=%ff", "percent-encoded"),
            ("ldap://d/cn=%4", "percent-encoded"),
            ("ldap://d/cn=x?a%20b", "no attribute description"),
            ("ldap://d/cn=x??children", "no scope"),
            ("ldap://d/cn=x???(cn=x", "filter"),
            ("ldap://d/cn=x????!bindname=cn=y", "critical extension"),
            ("ldap://d/cn=x?a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", "more than 16"),
        ] {
            assert!(query(text).unwrap_err().to_string().contains(reason), "{text}");
        }
        assert!(query("ldap://d/cn=x????bindname=cn=y").is_ok(), "an extension that may be left out");
    }

    #[test]
    fn attributes_are_added_where_there_are_none() {
        let with = |text: &str| with_default_attributes(&text.parse().unwrap(), &["a;binary", "b"]).to_string();
        assert_eq!(with("ldap://d/cn=x"), "ldap://d/cn=x?a;binary,b");
        assert_eq!(with("ldap://d/cn=x??sub?(cn=*)"), "ldap://d/cn=x?a;binary,b?sub?(cn=*)");
        assert_eq!(with("ldap://d/cn=x?c"), "ldap://d/cn=x?c");
    }
}
