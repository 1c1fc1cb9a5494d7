//! The documentation says what is there: links lead somewhere, every provider, pair and option has its place, and the
//! configurations in it can be read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tower_llm_gateway::Provider;
use tower_llm_gateway::config::Config;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Markdown page that is for readers.
fn pages() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
        .map(|name| root().join(name))
        .into();
    let mut folders = vec![root().join("docs"), root().join("examples/sidecar")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found
}

/// The blocks of code in a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1);
    blocks
        .map(|rest| rest.split("\n```").next().unwrap_or_default().to_owned())
        .collect()
}

/// The text without its blocks of code.
fn prose(text: &str) -> String {
    let parts = text.split("\n```").enumerate();
    let outside = parts.filter(|(at, _)| at % 2 == 0).map(|(_, part)| part);
    outside.collect::<Vec<_>>().join("\n")
}

/// A heading's anchor, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .collect::<String>();
    kept.replace(' ', "-")
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    let mut checked = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in prose(&text).split("](").skip(1) {
            let link = link.split(')').next().unwrap_or_default();
            if link.contains("://") {
                continue;
            }
            checked += 1;
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.clone(),
                _ => page.parent().unwrap().join(file),
            };
            let there = target.exists()
                && (place.is_empty()
                    || std::fs::read_to_string(&target).is_ok_and(|text| {
                        let headings = text.lines().filter(|line| line.starts_with('#'));
                        headings.map(anchor).any(|known| known == place)
                    }));
            if !there {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(checked > 50, "{checked}");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_provider_has_its_page() {
    let overview = read("docs/providers/README.md");
    for provider in Provider::ALL {
        let page = read(format!("docs/providers/{provider}.md"));
        assert!(page.starts_with(&format!("# {provider}\n")), "{provider}");
        assert!(
            overview.contains(&format!("]({provider}.md)")),
            "{provider}"
        );
        if let Some(url) = provider.default_base_url() {
            assert!(
                page.contains(url) && overview.contains(url),
                "{provider}: {url}"
            );
        }
    }
}

#[test]
fn every_option_is_in_the_table_and_nothing_else() {
    let code = read("src/options.rs");
    let fields = code.split("pub struct Options {").nth(1).unwrap();
    let fields = fields.split("\n}\n").next().unwrap();
    let known: BTreeSet<&str> = fields
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub ")?.split(':').next())
        .collect();
    let text = read("docs/configuration.md");
    let section = text.split("## Options").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let names = section.lines().filter(|line| line.starts_with("| `"));
    let told: BTreeSet<&str> = names
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    assert!(known.len() > 20);
    assert_eq!(known, told);
}

#[test]
fn configurations_can_be_read() {
    let mut read = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for block in blocks(&text, "toml") {
            // Other programs have files in TOML, too.
            let ours = [
                "listen =",
                "[connections.",
                "[[routes]]",
                "[models.",
                "[prices.",
            ];
            if !ours.iter().any(|key| block.contains(key)) {
                continue;
            }
            read += 1;
            if let Err(error) = toml::from_str::<Config>(&block) {
                panic!("{}: {error}\n{block}", page.display());
            }
        }
    }
    assert!(read >= 4, "{read}");
}
