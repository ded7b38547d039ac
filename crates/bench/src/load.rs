//! The load generator: connections that each ask, wait for the answer, check it and ask again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::histogram::Histogram;
use crate::processes;
use crate::question::{Endpoint, Question};

/// The time before the measured one: connections open, caches fill, the processor wakes up.
const WARM_UP: Duration = Duration::from_millis(500);

/// How long after the end an answer may still come before the server counts as hanging.
const PATIENCE: Duration = Duration::from_secs(10);

/// What `mindflight-bench load` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The server to load
    #[arg(long, value_name = "ADDR")]
    address: SocketAddr,
    /// The path that adds
    #[arg(long, default_value = "/add")]
    path: String,
    /// The API key to send
    #[arg(long)]
    key: Option<String>,
    #[command(flatten)]
    shape: Shape,
}

/// How much load, and for how long.
#[derive(clap::Args, Clone, Copy)]
pub(crate) struct Shape {
    /// Seconds of each measurement
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seconds: u64,
    /// Connections that ask at the same time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) connections: u16,
}

/// What came back.
#[derive(Default)]
pub(crate) struct Tally {
    /// The latencies of the measured time.
    pub(crate) latencies: Histogram,
    /// All right answers, those of the warm-up too.
    pub(crate) answers: u64,
    /// Wrong answers and broken connections.
    pub(crate) mistakes: u64,
    /// What the first of them was.
    pub(crate) first_mistake: Option<String>,
    /// Processor time of this process meanwhile, where the system tells.
    pub(crate) cpu: Option<Duration>,
}

impl Tally {
    /// Right answers a second.
    pub(crate) fn rate(&self, shape: Shape) -> f64 {
        self.latencies.total() as f64 / shape.seconds as f64
    }

    /// The mistakes, as the failure that they are.
    pub(crate) fn ensure_right(&self) -> Result<()> {
        let first = self.first_mistake.as_deref().unwrap_or_default();
        ensure!(self.mistakes == 0, "{} wrong answers; the first: {first}", self.mistakes);
        ensure!(self.latencies.total() > 0, "there was no answer");
        Ok(())
    }

    fn add(&mut self, other: Self) {
        self.latencies.add(&other.latencies);
        self.answers += other.answers;
        self.mistakes += other.mistakes;
        self.first_mistake = self.first_mistake.take().or(other.first_mistake);
    }

    fn mistake(&mut self, what: String) {
        self.mistakes += 1;
        self.first_mistake.get_or_insert(what);
    }
}

/// Loads the endpoint, on this thread alone.
pub(crate) fn run(to: &Endpoint, shape: Shape) -> Result<Tally> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime could be started")?;
    let cpu = processes::cpu(std::process::id());
    let from = Instant::now() + WARM_UP;
    let plan = Arc::new(Plan {
        address: to.address,
        questions: Question::many(to),
        from,
        to: from + Duration::from_secs(shape.seconds),
    });
    let mut tally = runtime.block_on(all(&plan, shape.connections))?;
    tally.cpu = cpu.and_then(|before| processes::cpu(std::process::id())?.checked_sub(before));
    Ok(tally)
}

/// `mindflight-bench load`.
pub(crate) fn print(args: &Args) -> Result<()> {
    let to = Endpoint { address: args.address, path: args.path.clone(), key: args.key.clone() };
    let tally = run(&to, args.shape)?;
    println!(
        "{:.0} req/s, p50 {:.3} ms, p99 {:.3} ms, {} wrong",
        tally.rate(args.shape),
        tally.latencies.quantile(0.5).as_secs_f64() * 1e3,
        tally.latencies.quantile(0.99).as_secs_f64() * 1e3,
        tally.mistakes
    );
    tally.ensure_right()
}

struct Plan {
    address: SocketAddr,
    questions: Vec<Question>,
    from: Instant,
    to: Instant,
}

async fn all(plan: &Arc<Plan>, connections: u16) -> Result<Tally> {
    let mut running = JoinSet::new();
    for number in 0..connections {
        running.spawn(converse(plan.clone(), usize::from(number)));
    }
    let mut tally = Tally::default();
    let latest = tokio::time::Instant::from_std(plan.to + PATIENCE);
    while let Some(ended) = tokio::time::timeout_at(latest, running.join_next())
        .await
        .map_err(|_| anyhow!("the server does not answer"))?
    {
        tally.add(ended.context("a connection's task died")?);
    }
    Ok(tally)
}

/// One connection, to the end of the time or to the first mistake.
async fn converse(plan: Arc<Plan>, number: usize) -> Tally {
    let mut tally = Tally::default();
    if let Err(broken) = talk(&plan, number, &mut tally).await {
        tally.mistake(format!("connection {number}: {broken:#}"));
    }
    tally
}

async fn talk(plan: &Plan, number: usize, tally: &mut Tally) -> Result<()> {
    let mut stream = TcpStream::connect(plan.address).await?;
    stream.set_nodelay(true)?;
    let mut bytes = Vec::with_capacity(8 << 10);
    // Connections begin at different questions, so that mixed-up answers are noticed.
    for question in plan.questions.iter().cycle().skip(number * 7) {
        let begun = Instant::now();
        stream.write_all(&question.request).await?;
        let answer = read(&mut stream, &mut bytes).await?;
        let ended = Instant::now();
        if let Err(wrong) = question.check(answer.status, answer.body(&bytes)) {
            tally.mistake(wrong);
        } else {
            tally.answers += 1;
            if ended >= plan.from && ended < plan.to {
                tally.latencies.record(ended - begun);
            }
        }
        if ended >= plan.to {
            break;
        }
    }
    Ok(())
}

/// The answer to what was asked on this connection; its parts are in `bytes`.
pub(crate) async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<Answer> {
    bytes.clear();
    loop {
        let count = stream.read_buf(bytes).await?;
        ensure!(count > 0, "the server closed the connection");
        if let Some(answer) = Answer::read(bytes)? {
            return Ok(answer);
        }
    }
}
