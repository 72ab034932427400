//! The closest true word for how a step across the network ended.

use std::fmt;
use std::time::{Duration, Instant};

use super::cause::Cause;

/// Outcome of a connection or an attempt, by the contract's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It worked.
    Ok,
    /// The name does not exist.
    DnsNxdomain,
    /// The name exists but has no address of the families asked for.
    DnsNoAddress,
    /// No resolver answered in time.
    DnsTimeout,
    /// The resolver answered with an error (SERVFAIL, REFUSED, …).
    DnsFailure,
    /// RST or ICMP reject: something answered "no".
    Refused,
    /// Silence: no byte came.
    Timeout,
    /// No route, host or net unreachable.
    Unreachable,
    /// Accepted, then cut with a RST.
    Reset,
    /// Accepted, then closed without an answer.
    Closed,
    /// The proxy refused: CONNECT denied, 407, or a 403 of its own.
    ProxyDenied,
    /// The proxy could not be reached or could not reach the host.
    ProxyFailure,
    /// The server refused STARTTLS, or does not offer it.
    StarttlsRefused,
    /// What answers does not speak TLS.
    NotTls,
    /// The peer ended the handshake with an alert.
    TlsAlert,
    /// The handshake failed on this side, or otherwise.
    TlsFailure,
    /// HTTP status outside 2xx.
    HttpError,
    /// A directory answered, but not with the object: a result code other than success, no such entry or attribute.
    LdapError,
    /// A block page, captive portal or login instead of the object.
    Intercepted,
    /// Redirects that do not end, or too many.
    RedirectLoop,
    /// Fewer octets than announced.
    Truncated,
    /// More octets than the limit allows.
    TooLarge,
    /// Began to answer, then stopped.
    Stalled,
    /// Not HTTP or LDAP, or not the object asked for.
    Malformed,
    /// A scheme or feature this tool does not speak.
    Unsupported,
}

impl Outcome {
    /// The contract's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::DnsNxdomain => "dns-nxdomain",
            Self::DnsNoAddress => "dns-no-address",
            Self::DnsTimeout => "dns-timeout",
            Self::DnsFailure => "dns-failure",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::ProxyDenied => "proxy-denied",
            Self::ProxyFailure => "proxy-failure",
            Self::StarttlsRefused => "starttls-refused",
            Self::NotTls => "not-tls",
            Self::TlsAlert => "tls-alert",
            Self::TlsFailure => "tls-failure",
            Self::HttpError => "http-error",
            Self::LdapError => "ldap-error",
            Self::Intercepted => "intercepted",
            Self::RedirectLoop => "redirect-loop",
            Self::Truncated => "truncated",
            Self::TooLarge => "too-large",
            Self::Stalled => "stalled",
            Self::Malformed => "malformed",
            Self::Unsupported => "unsupported",
        }
    }

    /// Whether it is one of the ways a name can fail to give an address.
    #[must_use]
    pub fn is_dns(self) -> bool {
        matches!(self, Self::DnsNxdomain | Self::DnsNoAddress | Self::DnsTimeout | Self::DnsFailure)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How a step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The word.
    pub outcome: Outcome,
    /// What more is known, for people ("connect: no answer in 5 s", "alert: handshake_failure").
    /// May hold text from the network: renderers escape it.
    pub detail: Option<String>,
    /// What is known of who could mend it.
    pub cause: Option<Cause>,
    /// How long the step took until it failed.
    pub elapsed: Duration,
}

impl Failure {
    /// A failure of a step that began at `started` and ends now.
    #[must_use]
    pub fn since(started: Instant, outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { outcome, detail: Some(detail.into()), cause: None, elapsed: started.elapsed() }
    }

    /// One that took no time: the step was not begun.
    #[must_use]
    pub fn at_once(outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { outcome, detail: Some(detail.into()), cause: None, elapsed: Duration::ZERO }
    }

    /// The same with what is known of its cause.
    #[must_use]
    pub fn because(self, cause: impl Into<Option<Cause>>) -> Self {
        Self { cause: cause.into(), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) => write!(f, "{} ({detail})", self.outcome),
            None => self.outcome.fmt(f),
        }
    }
}
