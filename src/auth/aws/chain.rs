//! Credentials as the AWS tools find them, and those of roles.

use std::fmt;
use std::time::Duration;

use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use tokio::sync::OnceCell;

use super::http::Clients;
use crate::client::ClientBuilder;
use crate::settings::Timeouts;

/// Credentials as the AWS tools find them: in the environment, the shared configuration and credentials files (roles and SSO
/// included), by web identity, from the container's endpoint or the instance metadata service, in this order. With
/// [`assume`](Self::assume), those of a role.
///
/// For [`Credential::aws`](crate::Credential::aws), which keeps and renews what this finds. Nothing is read and nobody is
/// asked before the first request. HTTP goes over the gateway's own client, as the environment wants it; endpoints that are
/// not `https` are never asked through a proxy.
///
/// ```
/// use tower_llm_gateway::auth::{AssumeRole, AwsChain};
/// use tower_llm_gateway::{Connection, Credential, Provider};
///
/// let role = AssumeRole::new("arn:aws:iam::123456789012:role/models").external_id("tenant-7");
/// let connection = Connection::builder("bedrock", Provider::AwsBedrock)
///     .region("eu-west-1")
///     .credential(Credential::aws(AwsChain::new().region("eu-west-1").assume(role)))
///     .build()?;
/// # Ok::<(), tower_llm_gateway::InvalidConnection>(())
/// ```
#[derive(Default)]
#[must_use]
pub struct AwsChain {
    region: Option<String>,
    profile: Option<String>,
    source: Option<SharedCredentialsProvider>,
    role: Option<AssumeRole>,
    client: Option<ClientBuilder>,
    found: OnceCell<SharedCredentialsProvider>,
}

impl AwsChain {
    /// The default chain.
    pub fn new() -> Self {
        Self::default()
    }

    /// The region in which STS and SSO are asked. Default: that of the environment, the profile or the instance.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// The profile in the shared files. Default: that of `AWS_PROFILE`, or `default`.
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    /// Takes credentials from here in place of the chain, to assume a role with.
    pub fn source(mut self, provider: impl ProvideCredentials + 'static) -> Self {
        self.source = Some(SharedCredentialsProvider::new(provider));
        self
    }

    /// Assumes this role with the credentials that are found.
    pub fn assume(mut self, role: AssumeRole) -> Self {
        self.role = Some(role);
        self
    }

    /// The client for STS, SSO and the endpoints with credentials. Default: [`ClientBuilder::from_env`].
    pub fn client(mut self, client: ClientBuilder) -> Self {
        self.client = Some(client);
        self
    }

    async fn find(&self) -> Result<SharedCredentialsProvider, CredentialsError> {
        let client = match &self.client {
            Some(client) => client.clone(),
            None => ClientBuilder::from_env(&Timeouts::default())
                .map_err(CredentialsError::invalid_configuration)?,
        };
        let mut loader =
            aws_config::defaults(BehaviorVersion::latest()).http_client(Clients::new(client));
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(source) = &self.source {
            loader = loader.credentials_provider(source.clone());
        }
        if let Some(endpoint) = self
            .role
            .as_ref()
            .and_then(|role| role.sts_endpoint.as_ref())
        {
            loader = loader.endpoint_url(endpoint);
        }
        let config = loader.load().await;
        Ok(match (&self.role, config.credentials_provider()) {
            (Some(role), _) => {
                let mut builder = AssumeRoleProvider::builder(&role.arn)
                    .session_name(&role.session_name)
                    .configure(&config);
                if let Some(id) = &role.external_id {
                    builder = builder.external_id(id);
                }
                if let Some(length) = role.session_length {
                    builder = builder.session_length(length);
                }
                SharedCredentialsProvider::new(builder.build().await)
            }
            (None, Some(provider)) => provider,
            (None, None) => return Err(CredentialsError::not_loaded_no_source()),
        })
    }

    async fn load(&self) -> aws_credential_types::provider::Result {
        let provider = self.found.get_or_try_init(|| self.find()).await?;
        provider.provide_credentials().await
    }
}

impl ProvideCredentials for AwsChain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.load())
    }
}

impl fmt::Debug for AwsChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsChain")
            .field("region", &self.region)
            .field("profile", &self.profile)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// A role to be assumed through STS.
#[derive(Clone)]
#[must_use]
pub struct AssumeRole {
    arn: String,
    external_id: Option<String>,
    session_name: String,
    session_length: Option<Duration>,
    sts_endpoint: Option<String>,
}

impl AssumeRole {
    /// The role of this ARN, in sessions called `tower-llm-gateway` of the length that AWS gives (an hour).
    pub fn new(arn: impl Into<String>) -> Self {
        Self {
            arn: arn.into(),
            external_id: None,
            session_name: "tower-llm-gateway".to_owned(),
            session_length: None,
            sts_endpoint: None,
        }
    }

    /// The external id that the role's trust policy asks for: 2 to 1224 characters.
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    /// The name of the sessions, which AWS's logs show: 2 to 64 of letters, digits and `_+=,.@-`.
    pub fn session_name(mut self, name: impl Into<String>) -> Self {
        self.session_name = name.into();
        self
    }

    /// The length of the sessions: 15 minutes to 12 hours, and not over what the role allows.
    pub fn session_length(mut self, length: Duration) -> Self {
        self.session_length = Some(length);
        self
    }

    /// Where STS is. Default: AWS's endpoint in the region.
    pub fn sts_endpoint(mut self, url: impl Into<String>) -> Self {
        self.sts_endpoint = Some(url.into());
        self
    }
}

impl fmt::Debug for AssumeRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The external id is half a secret.
        f.debug_struct("AssumeRole")
            .field("arn", &self.arn)
            .field("session_name", &self.session_name)
            .field("sts_endpoint", &self.sts_endpoint)
            .finish_non_exhaustive()
    }
}

/// The region that the shared files name for a profile. `env` looks a variable up in the environment.
#[cfg(feature = "config")]
#[expect(
    deprecated,
    reason = "the types behind these names are in a crate that nothing else here needs"
)]
pub(crate) fn profile_region(
    profile: Option<&str>,
    env: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    use aws_config::meta::region::ProvideRegion;
    use aws_config::profile::ProfileFileRegionProvider;
    use aws_config::profile::profile_file::{ProfileFileKind, ProfileFiles};
    use std::future::Future;
    use std::path::PathBuf;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    let home = env("HOME").or_else(|| env("USERPROFILE"));
    let file = |variable: &str, name: &str| {
        let path = env(variable).map(PathBuf::from);
        let path = path.or_else(|| Some(PathBuf::from(home.as_ref()?).join(".aws").join(name)))?;
        path.is_file().then_some(path)
    };
    let mut files = ProfileFiles::builder();
    let (config, credentials) = (
        file("AWS_CONFIG_FILE", "config"),
        file("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
    );
    if config.is_none() && credentials.is_none() {
        return None;
    }
    if let Some(path) = config {
        files = files.with_file(ProfileFileKind::Config, path);
    }
    if let Some(path) = credentials {
        files = files.with_file(ProfileFileKind::Credentials, path);
    }
    let profile = profile.map(str::to_owned).or_else(|| env("AWS_PROFILE"));
    let provider = ProfileFileRegionProvider::builder()
        .profile_files(files.build())
        .profile_name(profile.unwrap_or_else(|| "default".to_owned()))
        .build();
    // Only files are read, and that without waiting.
    let region = pin!(provider.region()).poll(&mut Context::from_waker(Waker::noop()));
    match region {
        Poll::Ready(region) => region.map(|region| region.to_string()),
        Poll::Pending => None,
    }
}
