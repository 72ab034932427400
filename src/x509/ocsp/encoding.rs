//! The ASN.1 of RFC 6960 §4 as types that read and write DER.
//!
//! Requests are written and responses read by the parent module; the other directions are for
//! whoever plays a responder. What is signed stays a raw element ([`asn1::Tlv`]), so that the
//! octets verified are the octets received; `DEFAULT` fields are optional here, because responders
//! encode them although DER forbids it.
#![allow(clippy::result_large_err, reason = "the derived code returns the library's own error")]

use asn1::{ObjectIdentifier, SimpleAsn1Readable, SimpleAsn1Writable, Tag, Tlv, WriteBuf, WriteError};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::x509::der;

/// `id-pkix-ocsp-basic`
pub(crate) const BASIC: ObjectIdentifier = asn1::oid!(1, 3, 6, 1, 5, 5, 7, 48, 1, 1);
/// `id-pkix-ocsp-nonce`
pub(crate) const NONCE: ObjectIdentifier = asn1::oid!(1, 3, 6, 1, 5, 5, 7, 48, 1, 2);
/// `id-sha1`
pub(crate) const SHA1: ObjectIdentifier = asn1::oid!(1, 3, 14, 3, 2, 26);

/// `OCSPRequest`
#[derive(asn1::Asn1Read, asn1::Asn1Write)]
pub(crate) struct OcspRequest<'a> {
    pub(crate) tbs_request: TbsRequest<'a>,
    #[explicit(0)]
    pub(crate) optional_signature: Option<Tlv<'a>>,
}

/// `TBSRequest`
#[derive(asn1::Asn1Read, asn1::Asn1Write)]
pub(crate) struct TbsRequest<'a> {
    #[explicit(0)]
    pub(crate) version: Option<u8>,
    #[explicit(1)]
    pub(crate) requestor_name: Option<Tlv<'a>>,
    pub(crate) request_list: List<Request<'a>>,
    #[explicit(2)]
    pub(crate) request_extensions: Option<List<Extension<'a>>>,
}

/// `Request`
#[derive(asn1::Asn1Read, asn1::Asn1Write)]
pub(crate) struct Request<'a> {
    pub(crate) req_cert: CertId<'a>,
    #[explicit(0)]
    pub(crate) single_request_extensions: Option<List<Extension<'a>>>,
}

/// `CertID`
#[derive(asn1::Asn1Read, asn1::Asn1Write, Clone)]
pub(crate) struct CertId<'a> {
    pub(crate) hash_algorithm: AlgorithmIdentifier<'a>,
    pub(crate) issuer_name_hash: &'a [u8],
    pub(crate) issuer_key_hash: &'a [u8],
    pub(crate) serial_number: Integer<'a>,
}

/// `AlgorithmIdentifier`
#[derive(asn1::Asn1Read, asn1::Asn1Write, Clone)]
pub(crate) struct AlgorithmIdentifier<'a> {
    pub(crate) algorithm: ObjectIdentifier,
    pub(crate) parameters: Option<Tlv<'a>>,
}

/// `Extension`
#[derive(asn1::Asn1Read, asn1::Asn1Write)]
pub(crate) struct Extension<'a> {
    pub(crate) extn_id: ObjectIdentifier,
    pub(crate) critical: Option<bool>,
    pub(crate) extn_value: &'a [u8],
}

/// `OCSPResponse`
#[derive(asn1::Asn1Read, asn1::Asn1Write)]
pub(crate) struct OcspResponse<'a> {
    pub(crate) response_status: asn1::Enumerated,
    #[explicit(0)]
    pub(crate) response_bytes: Option<ResponseBytes<'a>>,
}

/// `ResponseBytes`
#[derive(asn1::Asn1Read, asn1::Asn1Write)]
pub(crate) struct ResponseBytes<'a> {
    pub(crate) response_type: ObjectIdentifier,
    pub(crate) response: &'a [u8],
}

/// `BasicOCSPResponse`. `tbs_response_data` is the element that is signed, `certs` the whole
/// `SEQUENCE OF Certificate`.
#[derive(asn1::Asn1Read, asn1::Asn1Write)]
pub(crate) struct BasicOcspResponse<'a> {
    pub(crate) tbs_response_data: Tlv<'a>,
    pub(crate) signature_algorithm: Tlv<'a>,
    pub(crate) signature: asn1::BitString<'a>,
    #[explicit(0)]
    pub(crate) certs: Option<Tlv<'a>>,
}

/// `ResponseData`
#[derive(asn1::Asn1Read, asn1::Asn1Write)]
pub(crate) struct ResponseData<'a> {
    #[explicit(0)]
    pub(crate) version: Option<u8>,
    pub(crate) responder_id: ResponderId<'a>,
    pub(crate) produced_at: Time,
    pub(crate) responses: List<SingleResponse<'a>>,
    #[explicit(1)]
    pub(crate) response_extensions: Option<List<Extension<'a>>>,
}

/// `ResponderID`
#[derive(asn1::Asn1Read, asn1::Asn1Write)]
pub(crate) enum ResponderId<'a> {
    /// The name as an element.
    #[explicit(1)]
    ByName(Tlv<'a>),
    #[explicit(2)]
    ByKey(&'a [u8]),
}

/// `SingleResponse`
#[derive(asn1::Asn1Read, asn1::Asn1Write)]
pub(crate) struct SingleResponse<'a> {
    pub(crate) cert_id: CertId<'a>,
    pub(crate) cert_status: CertStatus,
    pub(crate) this_update: Time,
    #[explicit(0)]
    pub(crate) next_update: Option<Time>,
    #[explicit(1)]
    pub(crate) single_extensions: Option<List<Extension<'a>>>,
}

/// `CertStatus`
#[derive(asn1::Asn1Read, asn1::Asn1Write)]
pub(crate) enum CertStatus {
    #[implicit(0)]
    Good(()),
    #[implicit(1)]
    Revoked(RevokedInfo),
    #[implicit(2)]
    Unknown(()),
}

/// `RevokedInfo`
#[derive(asn1::Asn1Read, asn1::Asn1Write)]
pub(crate) struct RevokedInfo {
    pub(crate) revocation_time: Time,
    #[explicit(0)]
    pub(crate) revocation_reason: Option<asn1::Enumerated>,
}

/// `SEQUENCE OF`
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<'a, T: asn1::Asn1Readable<'a>> SimpleAsn1Readable<'a> for List<T> {
    const TAG: Tag = <asn1::Sequence<'a> as SimpleAsn1Readable<'a>>::TAG;

    fn parse_data(data: &'a [u8]) -> asn1::ParseResult<Self> {
        asn1::parse(data, |parser| {
            let mut items = Vec::new();
            while !parser.is_empty() {
                items.push(parser.read_element()?);
            }
            Ok(Self(items))
        })
    }
}

impl<T: asn1::Asn1Writable<Error = WriteError>> SimpleAsn1Writable for List<T> {
    type Error = WriteError;
    const TAG: Tag = <asn1::Sequence<'static> as SimpleAsn1Readable<'static>>::TAG;

    fn write_data(&self, dest: &mut WriteBuf) -> Result<(), WriteError> {
        let mut writer = asn1::Writer::new(dest);
        self.0.iter().try_for_each(|item| writer.write_element(item))
    }

    fn data_length(&self) -> Option<usize> {
        None
    }
}

/// An `INTEGER` of any length, as its contents octets. Not checked for the shortest form: the
/// serial number must go back as the certificate has it.
#[derive(Clone, Copy)]
pub(crate) struct Integer<'a>(pub(crate) &'a [u8]);

impl<'a> SimpleAsn1Readable<'a> for Integer<'a> {
    const TAG: Tag = <u8 as SimpleAsn1Readable<'a>>::TAG;

    fn parse_data(data: &'a [u8]) -> asn1::ParseResult<Self> {
        if data.is_empty() {
            return Err(asn1::ParseError::new(asn1::ParseErrorKind::InvalidValue));
        }
        Ok(Self(data))
    }
}

impl SimpleAsn1Writable for Integer<'_> {
    type Error = WriteError;
    const TAG: Tag = <u8 as SimpleAsn1Readable<'static>>::TAG;

    fn write_data(&self, dest: &mut WriteBuf) -> Result<(), WriteError> {
        dest.push_slice(self.0)
    }

    fn data_length(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// `GeneralizedTime`, to the second.
#[derive(Clone, Copy)]
pub(crate) struct Time(pub(crate) Timestamp);

impl<'a> SimpleAsn1Readable<'a> for Time {
    const TAG: Tag = <asn1::GeneralizedTime as SimpleAsn1Readable<'a>>::TAG;

    fn parse_data(data: &'a [u8]) -> asn1::ParseResult<Self> {
        der::time(0x18, data).map(Self).ok_or_else(|| asn1::ParseError::new(asn1::ParseErrorKind::InvalidValue))
    }
}

impl SimpleAsn1Writable for Time {
    type Error = WriteError;
    const TAG: Tag = <asn1::GeneralizedTime as SimpleAsn1Readable<'static>>::TAG;

    fn write_data(&self, dest: &mut WriteBuf) -> Result<(), WriteError> {
        dest.push_slice(self.0.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%SZ").to_string().as_bytes())
    }

    fn data_length(&self) -> Option<usize> {
        None
    }
}
