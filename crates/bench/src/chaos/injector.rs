//! What does the deeds: to servers, to connections, to the database, to the queue.

use std::fs::File;
use std::io::Write as _;
use std::process::Command;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, anyhow};

use super::call::{Caller, Said};
use super::draw::{Deed, Fault};
use super::fleet::{Addresses, Fleet};
use super::site::Site;
use super::victims::{self, Victim};
use crate::jobs::producer::runtime;

/// Shorter than any deployment wants them, so that a run sees many deaths. The budget of crashes is out of reach:
/// here jobs are not to blame for those.
const SETTINGS: [(&str, &str); 13] = [
    ("MINDFLIGHT_JOBS__WORKERS", "16"),
    ("MINDFLIGHT_JOBS__BEAT", "250ms"),
    ("MINDFLIGHT_JOBS__FENCE_AFTER", "2500ms"),
    ("MINDFLIGHT_JOBS__DEAD_AFTER", "3s"),
    ("MINDFLIGHT_JOBS__SCAN", "300ms"),
    ("MINDFLIGHT_JOBS__REPAIR", "500ms"),
    ("MINDFLIGHT_JOBS__POLL", "500ms"),
    ("MINDFLIGHT_JOBS__GRACE", "2s"),
    ("MINDFLIGHT_JOBS__ISOLATION", "5s"),
    ("MINDFLIGHT_JOBS__CRASH_BUDGET", "1000"),
    ("MINDFLIGHT_EVENTS__CHECK", "1s"),
    ("MINDFLIGHT_EVENTS__CHECK_TIMEOUT", "1s"),
    ("LOG_LEVEL", "info,mindflight::request=warn"),
];

/// After this others have taken the jobs of a server that is stopped: a little more than `dead_after`.
const LEASE: Duration = Duration::from_millis(3500);

/// Sessions that have a task of their own.
const ROLES: [&str; 5] = ["claimer", "completer", "keeper", "inserter", "recorder"];

/// What was done, in seconds of the clock that the database has too.
#[derive(Debug, Clone)]
pub(crate) struct Happened {
    pub(crate) fault: Fault,
    pub(crate) from: f64,
    pub(crate) to: f64,
}

/// A time in which the queue was paused for certain.
pub(crate) type Pause = (f64, f64);

/// Servers on a site, and what has been done to them.
pub(crate) struct Injector {
    site: Site,
    fleet: Fleet,
    happened: Vec<Happened>,
    /// Deeds for which nobody was there.
    skipped: usize,
    diary: File,
    pause: Option<JoinHandle<Result<Option<Pause>>>>,
    pauses: Vec<Pause>,
    bursts: Vec<JoinHandle<Result<Vec<Victim>>>>,
}

impl Injector {
    /// Starts so many servers.
    pub(crate) fn new(site: Site, instances: usize) -> Result<Self> {
        let fleet = Fleet::start(instances, &site.logs(), &|| server(&site))?;
        let diary = File::create(site.logs().join("faults.log")).context("cannot make a log")?;
        Ok(Self {
            site,
            fleet,
            happened: Vec::new(),
            skipped: 0,
            diary,
            pause: None,
            pauses: Vec::new(),
            bursts: Vec::new(),
        })
    }

    pub(crate) fn addresses(&self) -> Addresses {
        self.fleet.addresses()
    }

    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    pub(crate) fn into_site(self) -> Site {
        self.site
    }

    pub(crate) fn happened(&self) -> &[Happened] {
        &self.happened
    }

    pub(crate) fn skipped(&self) -> usize {
        self.skipped
    }

    pub(crate) fn pauses(&self) -> &[Pause] {
        &self.pauses
    }

    pub(crate) fn oddities(&self) -> &[String] {
        self.fleet.oddities()
    }

    /// Sees to the servers: what has ended begins again, and what was stopped goes on when it is time.
    pub(crate) fn look(&mut self) -> Result<()> {
        self.fleet.go_on(Instant::now());
        let site = &self.site;
        self.fleet.look(&|| server(site))
    }

    /// Whether every server listens, and nothing is held up any more.
    pub(crate) fn is_calm(&self) -> bool {
        self.fleet.is_complete()
            && self.pause.as_ref().is_none_or(JoinHandle::is_finished)
            && self.bursts.iter().all(JoinHandle::is_finished)
    }

    /// Does one deed.
    pub(crate) fn inject(&mut self, deed: &Deed) -> Result<()> {
        let from = now();
        let to_here = match deed.fault {
            Fault::Kill => self.one_of_them(deed, |fleet, one| fleet.kill(one))?,
            Fault::Terminate => self.one_of_them(deed, |fleet, one| Ok(fleet.terminate(one)))?,
            Fault::Stop => {
                let until = Instant::now() + LEASE + deed.lasts;
                self.one_of_them(deed, |fleet, one| Ok(fleet.stop(one, until)))?
            }
            Fault::KillAll => self.fleet.kill_all().map(|()| Some("all".to_owned()))?,
            Fault::Restart => self.site.restart().map(|()| Some("the database".to_owned()))?,
            Fault::Cut => self.cut("true", 1 + deed.pick % 8, deed.pick)?,
            Fault::CutListen => self.cut("application_name LIKE '%-listen'", 1000, deed.pick)?,
            Fault::CutRole => {
                let role = ROLES[usize::try_from(deed.pick).unwrap_or(0) % ROLES.len()];
                self.cut(&format!("application_name LIKE '%-{role}'"), 1000, deed.pick)?
            }
            Fault::Pause => self.pause(deed.lasts)?,
            Fault::Cancel => Some(self.burst(deed.pick)),
        };
        let Some(whom) = to_here else {
            self.skipped += 1;
            return Ok(());
        };
        let lasts = if deed.fault == Fault::Stop { LEASE + deed.lasts } else { Duration::ZERO };
        let to = now() + lasts.as_secs_f64();
        writeln!(self.diary, "{from:.3} to {to:.3}  {}  {whom}", deed.fault.name())?;
        self.happened.push(Happened { fault: deed.fault, from, to });
        Ok(())
    }

    /// Lets everything go on that is held up.
    pub(crate) fn release(&mut self) -> Result<()> {
        self.fleet.go_on(Instant::now() + LEASE * 10);
        if let Some(pause) = self.pause.take_if(|pause| pause.is_finished()) {
            self.pauses.extend(joined(pause)?);
        }
        Ok(())
    }

    /// Asks all servers to end, and gives the jobs that were to be cancelled.
    pub(crate) fn end(&mut self) -> Result<Vec<Victim>> {
        if let Some(pause) = self.pause.take() {
            self.pauses.extend(joined(pause)?);
        }
        let mut victims = Vec::new();
        for burst in self.bursts.drain(..) {
            victims.extend(joined(burst)?);
        }
        self.fleet.end()?;
        Ok(victims)
    }

    fn one_of_them(
        &mut self,
        deed: &Deed,
        act: impl FnOnce(&mut Fleet, usize) -> Result<u32>,
    ) -> Result<Option<String>> {
        let Some(one) = self.fleet.pick(deed.pick) else { return Ok(None) };
        let pid = act(&mut self.fleet, one)?;
        Ok(Some(format!("server {} (process {pid})", one + 1)))
    }

    fn cut(&self, which: &str, most: u64, pick: u64) -> Result<Option<String>> {
        let count: u64 = self.site.psql()?.value(&format!(
            "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name LIKE 'mindflight%' AND {which} \
             ORDER BY md5(pid || '{pick}') LIMIT {most}) AS chosen"
        ))?;
        Ok((count > 0).then(|| format!("{count} connections where {which}")))
    }

    fn pause(&mut self, lasts: Duration) -> Result<Option<String>> {
        if let Some(pause) = self.pause.take_if(|pause| pause.is_finished()) {
            self.pauses.extend(joined(pause)?);
        }
        if self.pause.is_some() {
            return Ok(None);
        }
        let caller = Caller::new(self.addresses(), self.site.key(), 0);
        self.pause = Some(std::thread::spawn(move || runtime()?.block_on(hold(caller, lasts))));
        Ok(Some(format!("for {lasts:?}")))
    }

    fn burst(&mut self, pick: u64) -> String {
        let (addresses, key) = (self.addresses(), self.site.key().to_owned());
        self.bursts.push(std::thread::spawn(move || victims::burst(&addresses, &key, pick)));
        "40 jobs".to_owned()
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

/// Pauses the queue and resumes it, however often that has to be said.
async fn hold(mut caller: Caller, lasts: Duration) -> Result<Option<Pause>> {
    let paused = match caller.post("/api/queues/demo/pause", "").await {
        Said::Yes(_) => Some(now()),
        Said::Unknown => None,
        Said::No(status, text) => return Err(anyhow!("pausing was answered {status}: {text}")),
    };
    tokio::time::sleep(lasts).await;
    let resumed = now();
    // A server that was stopped may still be about to pause, or to resume the next pause: that is waited for.
    let mut is_sure = paused.is_some();
    loop {
        match caller.post("/api/queues/demo/resume", "").await {
            Said::Yes(_) if is_sure => break,
            Said::Yes(_) => is_sure = true,
            Said::Unknown => {
                is_sure = false;
                caller.turn_away();
                continue;
            }
            Said::No(status, text) => {
                return Err(anyhow!("resuming was answered {status}: {text}"));
            }
        }
        tokio::time::sleep(LEASE * 3).await;
    }
    Ok(paused.map(|paused| (paused, resumed)))
}

fn server(site: &Site) -> Result<Command> {
    let mut command = site.serve()?;
    command.envs(SETTINGS);
    Ok(command)
}

fn joined<T>(thread: JoinHandle<Result<T>>) -> Result<T> {
    thread.join().map_err(|_| anyhow!("a thread died"))?
}
