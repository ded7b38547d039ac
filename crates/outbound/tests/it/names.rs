//! A resolver whose answers the test decides.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mindflight_outbound::Resolver;

/// Names with their answers, one after the other; the last one stays.
#[derive(Default)]
pub(crate) struct Names {
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    asked: AtomicUsize,
}

impl Names {
    pub(crate) fn new(names: &[(&str, &[&str])]) -> Arc<Self> {
        let parsed = |list: &str| {
            list.split(',')
                .filter(|text| !text.is_empty())
                .map(|a| a.parse().expect("an address"))
                .collect()
        };
        let answers = names.iter().map(|(name, answers)| {
            ((*name).to_owned(), answers.iter().map(|list| parsed(list)).collect())
        });
        Arc::new(Self { answers: Mutex::new(answers.collect()), asked: AtomicUsize::default() })
    }

    /// How often somebody asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().expect("nobody panicked");
        match answers.get_mut(name.trim_end_matches('.')) {
            Some(answers) if answers.len() > 1 => Ok(answers.remove(0)),
            Some(answers) => Ok(answers[0].clone()),
            None => Err(io::Error::other("Name or service not known")),
        }
    }
}
