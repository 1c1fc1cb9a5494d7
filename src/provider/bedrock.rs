//! AWS Bedrock: Converse, and InvokeModel with Anthropic bodies.

use super::path::{ModelIds, Path};
use super::spec::{AuthScheme, Cell, Framing, Pair, Spec};

/// Converse; `converse-stream` takes the same body.
const CONVERSE_PATH: Path = path(ModelIds::Aws, "/converse", "/converse-stream");
const INVOKE_PATH: Path = path(ModelIds::Aws, "/invoke", "/invoke-with-response-stream");
const COUNT_PATH: Path = path(ModelIds::AwsFoundation, "/count-tokens", "/count-tokens");

pub(crate) static CONVERSE: Spec = spec(
    "aws-bedrock",
    Framing::EventStream,
    [
        cell(Pair::ChatToConverse, CONVERSE_PATH),
        cell(Pair::ResponsesToConverse, CONVERSE_PATH),
        cell(Pair::MessagesToConverse, CONVERSE_PATH),
        cell(Pair::CountOnConverse, COUNT_PATH),
    ],
);
pub(crate) static INVOKE: Spec = spec(
    "aws-bedrock-invoke",
    Framing::InvokeChunks,
    [
        cell(Pair::ChatToInvoke, INVOKE_PATH),
        cell(Pair::ResponsesToInvoke, INVOKE_PATH),
        cell(Pair::MessagesToInvoke, INVOKE_PATH),
        cell(Pair::CountOnInvoke, COUNT_PATH),
    ],
);

/// An operation on a model, whose id stands in the path.
const fn path(ids: ModelIds, plain: &'static str, stream: &'static str) -> Path {
    Path::Model {
        ids,
        before: "/model/",
        plain,
        stream,
    }
}

const fn cell(pair: Pair, path: Path) -> Cell {
    Cell::Convert { pair, path }
}

const fn spec(id: &'static str, framing: Framing, cells: [Cell; 4]) -> Spec {
    Spec {
        id,
        telemetry: "aws.bedrock",
        base_url: None,
        base_suffix: "",
        auth: AuthScheme::Aws,
        framing,
        needs_key: true,
        client_headers: &[],
        request_id: "x-amzn-requestid",
        cells,
        native: None,
        chat: None,
    }
}

/// The names of the hosts in AWS's partitions: what a region begins with, and what follows it in a host's name.
///
/// Source: the partitions of botocore 1.44.
const PARTITIONS: [(&str, &str); 7] = [
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("", "amazonaws.com"),
];

/// Whether `region` can stand in a host's name.
pub(crate) fn is_region(region: &str) -> bool {
    !region.is_empty()
        && region.len() <= 63
        && !region.starts_with('-')
        && !region.ends_with('-')
        && region
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The base URL of Bedrock's runtime in a region.
pub(crate) fn base_url(region: &str) -> Option<String> {
    let (_, suffix) = PARTITIONS
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix))?;
    is_region(region).then(|| format!("https://bedrock-runtime.{region}.{suffix}"))
}

/// The region in the name of one of Bedrock's own hosts: `bedrock-runtime.REGION.…`, with `-fips` or without, or that of a
/// VPC endpoint, `NAME.bedrock-runtime.REGION.vpce.…`.
pub(crate) fn region_of_host(host: &str) -> Option<&str> {
    let mut labels = host.split('.');
    labels.find(|label| matches!(*label, "bedrock-runtime" | "bedrock-runtime-fips"))?;
    let region = labels.next().filter(|region| is_region(region))?;
    // A host of somebody else may be called like this too, but not with a domain behind it that says region.
    labels.next().is_some().then_some(region)
}

/// The region in an ARN, where it names one.
#[cfg(feature = "config")]
pub(crate) fn region_of_arn(model: &str) -> Option<&str> {
    let mut fields = model.split(':');
    if fields.next() != Some("arn") {
        return None;
    }
    fields.nth(2).filter(|region| is_region(region))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_follow_the_partition() {
        for (region, host) in [
            ("us-east-1", "bedrock-runtime.us-east-1.amazonaws.com"),
            (
                "us-gov-west-1",
                "bedrock-runtime.us-gov-west-1.amazonaws.com",
            ),
            ("cn-north-1", "bedrock-runtime.cn-north-1.amazonaws.com.cn"),
            (
                "eusc-de-east-1",
                "bedrock-runtime.eusc-de-east-1.amazonaws.eu",
            ),
            ("us-iso-east-1", "bedrock-runtime.us-iso-east-1.c2s.ic.gov"),
        ] {
            assert_eq!(base_url(region).unwrap(), format!("https://{host}"));
        }
        for region in ["", "a.b", "US-EAST-1", "-a", "a-", "a/b", "a@b"] {
            assert_eq!(base_url(region), None, "{region}");
        }
    }

    #[test]
    fn regions_of_hosts() {
        for (host, region) in [
            ("bedrock-runtime.us-east-1.amazonaws.com", Some("us-east-1")),
            (
                "bedrock-runtime-fips.ca-west-1.amazonaws.com",
                Some("ca-west-1"),
            ),
            ("bedrock-runtime.eu-west-1.api.aws", Some("eu-west-1")),
            (
                "vpce-0a-1b.bedrock-runtime.us-east-2.vpce.amazonaws.com",
                Some("us-east-2"),
            ),
            ("bedrock-runtime.internal", None),
            ("bedrock-runtime", None),
            ("127.0.0.1", None),
            ("llm.example.com", None),
        ] {
            assert_eq!(region_of_host(host), region, "{host}");
        }
    }

    #[cfg(feature = "config")]
    #[test]
    fn regions_of_arns() {
        for (model, region) in [
            (
                "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a",
                Some("eu-west-1"),
            ),
            (
                "arn:aws-cn:bedrock:cn-north-1::foundation-model/m",
                Some("cn-north-1"),
            ),
            ("arn:aws:bedrock:*:123456789012:prompt/a", None),
            ("arn:aws:bedrock::123456789012:prompt/a", None),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", None),
        ] {
            assert_eq!(region_of_arn(model), region, "{model}");
        }
    }
}
