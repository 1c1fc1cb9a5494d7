//! What a connection to AWS Bedrock says of its region and its credentials.

use http::Uri;

use super::{ConfigError, ConnectionConfig};
use crate::auth::Credential;
#[cfg(feature = "aws-config")]
use crate::auth::profile_region;
use crate::provider::bedrock;

/// The shared files are read by aws-config.
#[cfg(not(feature = "aws-config"))]
fn profile_region(_: Option<&str>, _: impl Fn(&str) -> Option<String>) -> Option<String> {
    None
}

/// Where a Bedrock API key is looked for, as the AWS SDKs do.
const API_KEY: &str = "AWS_BEARER_TOKEN_BEDROCK";

/// A connection's AWS settings, with where they come from.
pub(super) struct Aws<'a, E> {
    pub(super) name: &'a str,
    pub(super) config: &'a ConnectionConfig,
    /// The models that routes ask of the connection.
    pub(super) models: &'a [&'a str],
    pub(super) env: &'a E,
}

/// The keys that mean something for AWS alone.
fn keys(config: &ConnectionConfig) -> [(&'static str, &Option<String>); 8] {
    [
        ("region", &config.region),
        ("profile", &config.profile),
        ("access_key_id", &config.access_key_id),
        ("secret_access_key", &config.secret_access_key),
        ("session_token", &config.session_token),
        ("role_arn", &config.role_arn),
        ("external_id", &config.external_id),
        ("sts_endpoint", &config.sts_endpoint),
    ]
}

/// Refuses AWS's keys on a connection to another provider.
pub(super) fn refuse(name: &str, config: &ConnectionConfig) -> Result<(), ConfigError> {
    match keys(config).into_iter().find(|(_, value)| value.is_some()) {
        Some((key, _)) => Err(ConfigError::new(
            ["connections", name, key],
            "is for the AWS Bedrock providers",
        )),
        None => Ok(()),
    }
}

impl<E: Fn(&str) -> Option<String>> Aws<'_, E> {
    fn fail(&self, key: &str, message: impl Into<String>) -> ConfigError {
        ConfigError::new(["connections", self.name, key], message)
    }

    /// A variable that is not empty.
    fn env(&self, variable: &str) -> Option<String> {
        (self.env)(variable).filter(|value| !value.trim().is_empty())
    }

    /// The region.
    pub(super) fn region(&self) -> Option<String> {
        if let Some(region) = &self.config.region {
            return Some(region.clone());
        }
        let url = self.config.base_url.as_ref();
        let uri = url.and_then(|url| url.parse::<Uri>().ok());
        let host = uri.as_ref().and_then(Uri::host);
        let arn = || {
            let mut models = self.models.iter();
            models.find_map(|model| bedrock::region_of_arn(model))
        };
        host.and_then(bedrock::region_of_host)
            .or_else(arn)
            .map(str::to_owned)
            .or_else(|| self.env("AWS_REGION"))
            .or_else(|| self.env("AWS_DEFAULT_REGION"))
            .or_else(|| profile_region(self.config.profile.as_deref(), |name| self.env(name)))
    }

    /// The credential, with `key` where the connection has an API key.
    pub(super) fn credential(&self, key: Option<String>) -> Result<Credential, ConfigError> {
        let config = self.config;
        self.check()?;
        if let Some(key) = key {
            let other = keys(config);
            let other = other.iter().skip(1).find(|(_, value)| value.is_some());
            return match other {
                Some((other, _)) => {
                    Err(self.fail(other, "give an API key or AWS credentials, not both"))
                }
                None => Ok(Credential::api_key(key)),
            };
        }
        let silent = [&config.access_key_id, &config.role_arn, &config.profile]
            .into_iter()
            .all(Option::is_none);
        match self.env(API_KEY) {
            // The AWS SDKs prefer it too, where nothing else was asked for.
            Some(key) if silent => Ok(Credential::api_key(key)),
            _ => self.signing(),
        }
    }

    /// Looks whether what is given goes together.
    fn check(&self) -> Result<(), ConfigError> {
        let config = self.config;
        if let Some((key, _)) = keys(config)
            .into_iter()
            .find(|(_, value)| value.as_ref().is_some_and(|value| value.trim().is_empty()))
        {
            return Err(self.fail(key, "must not be empty"));
        }
        for (key, value, with, other) in [
            (
                "secret_access_key",
                &config.secret_access_key,
                "access_key_id",
                &config.access_key_id,
            ),
            (
                "access_key_id",
                &config.access_key_id,
                "secret_access_key",
                &config.secret_access_key,
            ),
            (
                "session_token",
                &config.session_token,
                "access_key_id",
                &config.access_key_id,
            ),
            (
                "external_id",
                &config.external_id,
                "role_arn",
                &config.role_arn,
            ),
            (
                "sts_endpoint",
                &config.sts_endpoint,
                "role_arn",
                &config.role_arn,
            ),
        ] {
            if value.is_some() && other.is_none() {
                return Err(self.fail(key, format!("goes with {with}")));
            }
        }
        if config.profile.is_some() && config.access_key_id.is_some() {
            return Err(self.fail("profile", "give a profile or access_key_id, not both"));
        }
        if let Some(arn) = &config.role_arn
            && !(arn.starts_with("arn:") && arn.contains(":role/"))
        {
            return Err(self.fail("role_arn", "must be the ARN of a role"));
        }
        if let Some(id) = &config.external_id
            && !(2..=1224).contains(&id.chars().count())
        {
            return Err(self.fail("external_id", "must have 2 to 1224 characters"));
        }
        if let Some(url) = &config.sts_endpoint {
            let uri = url.parse::<Uri>().ok();
            let scheme = uri.as_ref().and_then(Uri::scheme_str);
            if !matches!(scheme, Some("http" | "https")) {
                return Err(self.fail("sts_endpoint", "must be an absolute http or https URL"));
            }
        }
        Ok(())
    }

    #[cfg(feature = "aws-config")]
    fn signing(&self) -> Result<Credential, ConfigError> {
        use crate::auth::{AssumeRole, AwsChain};
        use aws_credential_types::Credentials;

        let config = self.config;
        let keys = config
            .access_key_id
            .as_ref()
            .zip(config.secret_access_key.as_ref());
        let mut chain = AwsChain::new();
        if let Some(region) = self.region() {
            chain = chain.region(region);
        }
        if let Some(profile) = &config.profile {
            chain = chain.profile(profile);
        }
        let Some(arn) = &config.role_arn else {
            return Ok(match keys {
                Some((id, secret)) => {
                    Credential::aws_keys(id, secret, config.session_token.clone())
                }
                None => Credential::aws(chain),
            });
        };
        if let Some((id, secret)) = keys {
            let token = config.session_token.clone();
            chain = chain.source(Credentials::new(id, secret, token, None, "configuration"));
        }
        let mut role = AssumeRole::new(arn);
        if let Some(id) = &config.external_id {
            role = role.external_id(id);
        }
        if let Some(url) = &config.sts_endpoint {
            role = role.sts_endpoint(url);
        }
        Ok(Credential::aws(chain.assume(role)))
    }

    #[cfg(all(feature = "aws", not(feature = "aws-config")))]
    fn signing(&self) -> Result<Credential, ConfigError> {
        let config = self.config;
        for (key, value) in [("role_arn", &config.role_arn), ("profile", &config.profile)] {
            if value.is_some() {
                return Err(self.fail(key, "needs the feature aws-config"));
            }
        }
        match (&config.access_key_id, &config.secret_access_key) {
            (Some(id), Some(secret)) => Ok(Credential::aws_keys(
                id,
                secret,
                config.session_token.clone(),
            )),
            _ => Ok(Credential::None),
        }
    }

    #[cfg(not(feature = "aws"))]
    fn signing(&self) -> Result<Credential, ConfigError> {
        match keys(self.config)
            .iter()
            .skip(1)
            .find(|(_, value)| value.is_some())
        {
            Some((key, _)) => Err(self.fail(key, "needs the feature aws")),
            None => Ok(Credential::None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> ConnectionConfig {
        toml::from_str(&format!("provider = \"aws-bedrock\"\n{text}")).unwrap()
    }

    fn env<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            let mut variables = variables.iter();
            let found = variables.find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    fn region(text: &str, models: &[&str], variables: &[(&str, &str)]) -> Option<String> {
        let aws = Aws {
            name: "c",
            config: &config(text),
            models,
            env: &env(variables),
        };
        aws.region()
    }

    #[test]
    fn regions_are_looked_for_in_order() {
        let arn = "arn:aws:bedrock:eu-west-3:123456789012:inference-profile/eu.a";
        let host = "base_url = \"https://bedrock-runtime.us-west-2.amazonaws.com\"";
        let both = [
            ("AWS_REGION", "ca-west-1"),
            ("AWS_DEFAULT_REGION", "sa-east-1"),
        ];
        assert_eq!(
            region("region = \"us-east-1\"", &[arn], &both).as_deref(),
            Some("us-east-1")
        );
        assert_eq!(region(host, &[arn], &both).as_deref(), Some("us-west-2"));
        assert_eq!(
            region("", &["amazon.nova-lite-v1:0", arn], &both).as_deref(),
            Some("eu-west-3")
        );
        let other = "base_url = \"http://127.0.0.1:9\"";
        assert_eq!(region(other, &[], &both).as_deref(), Some("ca-west-1"));
        assert_eq!(region("", &[], &both[1..]).as_deref(), Some("sa-east-1"));
        assert_eq!(region("", &[], &[("AWS_REGION", " ")]), None);
    }

    #[cfg(feature = "aws-config")]
    #[test]
    fn regions_of_profiles_come_last() {
        let folder = std::env::temp_dir().join(format!("profiles-{}", std::process::id()));
        std::fs::create_dir_all(folder.join(".aws")).unwrap();
        let text = "[default]\nregion = eu-north-1\n[profile p]\nregion = eu-south-1\n";
        std::fs::write(folder.join(".aws/config"), text).unwrap();
        let home = folder.to_str().unwrap();
        let of = |text, variables: &[(&str, &str)]| region(text, &[], variables);
        assert_eq!(of("", &[("HOME", home)]).as_deref(), Some("eu-north-1"));
        assert_eq!(
            of("profile = \"p\"", &[("HOME", home)]).as_deref(),
            Some("eu-south-1")
        );
        assert_eq!(
            of("", &[("HOME", home), ("AWS_PROFILE", "p")]).as_deref(),
            Some("eu-south-1")
        );
        assert_eq!(
            of("", &[("HOME", home), ("AWS_REGION", "us-east-1")]).as_deref(),
            Some("us-east-1")
        );
        assert_eq!(of("profile = \"q\"", &[("HOME", home)]), None);
        std::fs::remove_dir_all(folder).unwrap();
    }

    fn credential(
        text: &str,
        key: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Result<String, String> {
        let aws = Aws {
            name: "c",
            config: &config(text),
            models: &[],
            env: &env(variables),
        };
        aws.credential(key.map(str::to_owned))
            .map(|credential| format!("{credential:?}"))
            .map_err(|error| error.to_string())
    }

    #[cfg(feature = "aws-config")]
    #[test]
    fn credentials_are_chosen() {
        let keys = "access_key_id = \"canary\"\nsecret_access_key = \"canary\"\n";
        let role = "role_arn = \"arn:aws:iam::123456789012:role/r\"\nexternal_id = \"ab\"\nsts_endpoint = \"http://127.0.0.1:9\"\n";
        let bearer = [(API_KEY, "canary")];
        let (signs, key) = ("Credential::Aws(redacted)", "Credential::ApiKey(redacted)");
        for (text, given, variables, expected) in [
            ("", None, &[][..], signs),
            (keys, None, &bearer, signs),
            (role, None, &bearer, signs),
            (&format!("{keys}{role}"), None, &[], signs),
            (
                &format!("{keys}session_token = \"canary\""),
                None,
                &[],
                signs,
            ),
            ("profile = \"p\"", None, &bearer, signs),
            ("", None, &bearer, key),
            ("region = \"us-east-1\"", Some("canary"), &[], key),
        ] {
            assert_eq!(
                credential(text, given, variables).unwrap(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let long = format!(
            "role_arn = \"arn:aws:iam::1:role/r\"\nexternal_id = \"{}\"",
            "a".repeat(1225)
        );
        for (text, key) in [
            ("access_key_id = \"a\"", "access_key_id"),
            ("secret_access_key = \"a\"", "secret_access_key"),
            ("session_token = \"a\"", "session_token"),
            ("external_id = \"ab\"", "external_id"),
            ("sts_endpoint = \"http://a\"", "sts_endpoint"),
            ("role_arn = \"r\"", "role_arn"),
            ("role_arn = \"\"", "role_arn"),
            (
                "role_arn = \"arn:aws:iam::1:role/r\"\nexternal_id = \"a\"",
                "external_id",
            ),
            (&long, "external_id"),
            (
                "role_arn = \"arn:aws:iam::1:role/r\"\nsts_endpoint = \"sts\"",
                "sts_endpoint",
            ),
            (
                "profile = \"p\"\naccess_key_id = \"a\"\nsecret_access_key = \"b\"",
                "profile",
            ),
        ] {
            let error = credential(text, None, &[]).unwrap_err();
            let place = format!("connections.c.{key}: ");
            assert!(error.starts_with(&place), "{text}: {error}");
        }
        let both = credential(
            "access_key_id = \"a\"\nsecret_access_key = \"b\"",
            Some("k"),
            &[],
        );
        assert!(
            both.unwrap_err()
                .starts_with("connections.c.access_key_id: ")
        );
    }
}
