//! Stand-ins for what hands out AWS credentials: STS, the endpoint of a container, the metadata service of an instance.

use super::http1::Recorded;
use super::reply::Reply;

/// What the stand-ins hand out, by number from 1.
pub fn access_key(number: usize) -> String {
    format!("ASIATESTKEY{number:05}")
}

/// What must show nowhere but in signatures.
pub const SECRET: &str = "canary-secret-5d0c1f7e93ab";
/// What must show nowhere but in its own header.
pub const TOKEN: &str = "canary-token-77e2b1c04d9f";

/// The answer to an `AssumeRole` or `AssumeRoleWithWebIdentity`. `until` is as in `2026-11-22T14:00:00Z`.
pub fn assumed(request: &Recorded, number: usize, until: &str) -> Reply {
    let action = form(request, "Action").unwrap_or_default();
    let role = form(request, "RoleArn").unwrap_or_default();
    let session = form(request, "RoleSessionName").unwrap_or_default();
    let body = format!(
        r#"<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <{action}Result>
    <AssumedRoleUser><AssumedRoleId>AROATEST:{session}</AssumedRoleId><Arn>{role}/{session}</Arn></AssumedRoleUser>
    <Credentials>
      <AccessKeyId>{}</AccessKeyId>
      <SecretAccessKey>{SECRET}</SecretAccessKey>
      <SessionToken>{TOKEN}</SessionToken>
      <Expiration>{until}</Expiration>
    </Credentials>
  </{action}Result>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</{action}Response>"#,
        access_key(number)
    );
    Reply::bytes(200, "text/xml", body)
}

/// STS refuses.
pub fn denied() -> Reply {
    let body = r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error>
  <RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId>
</ErrorResponse>"#;
    Reply::bytes(403, "text/xml", body)
}

/// The answer of a container's endpoint, and of the metadata service for a role.
pub fn endpoint(number: usize, until: &str) -> Reply {
    let body = format!(
        r#"{{"Code":"Success","Type":"AWS-HMAC","LastUpdated":"2026-11-22T12:00:00Z","AccessKeyId":"{}","SecretAccessKey":"{SECRET}","Token":"{TOKEN}","Expiration":"{until}"}}"#,
        access_key(number)
    );
    Reply::json(200, body)
}

/// The metadata service of an instance with the role `test-role`, version 2.
pub fn metadata(request: &Recorded, number: usize, until: &str) -> Reply {
    let text = |text: &str| Reply::bytes(200, "text/plain", text);
    if request.method == "PUT" {
        return text("metadata-token").header("x-aws-ec2-metadata-token-ttl-seconds", "21600");
    }
    if request.header("x-aws-ec2-metadata-token") != Some("metadata-token") {
        return Reply::bytes(401, "text/plain", "");
    }
    match request.path() {
        "/latest/meta-data/iam/security-credentials/" => text("test-role"),
        "/latest/meta-data/iam/security-credentials/test-role" => endpoint(number, until),
        _ => Reply::bytes(404, "text/plain", ""),
    }
}

/// A field of a request to STS.
pub fn form(request: &Recorded, name: &str) -> Option<String> {
    let mut fields = request.text().split('&');
    let value = fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('='))?;
    Some(decode(value))
}

fn decode(text: &str) -> String {
    let (mut out, mut bytes) = (Vec::new(), text.bytes());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || {
                    let digit = bytes.next().map(char::from);
                    digit.and_then(|digit| digit.to_digit(16)).expect("a digit")
                };
                u8::try_from(digit() * 16 + digit()).expect("a byte")
            }
            other => other,
        });
    }
    String::from_utf8(out).expect("a form is UTF-8")
}
