//! The server on loopback: it accepts the asker's own connections until the time is over.

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use super::{peer, room::Room};

/// Connections at once. A browser opens six to one host.
const CONNECTIONS_MAX: usize = 32;

/// How long a connection may take to say what it wants.
const HEAD_WAIT: Duration = Duration::from_secs(10);

/// How often it is looked whether it is over.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What whoever is not the asker is told.
const ANOTHER: &[u8] = b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 52\r\nConnection: close\r\n\r\nThis page is for the user alone who asked recvault.\n";

/// A listener on a free port of this machine alone.
pub(super) fn listen() -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Answers the user `by` until it is closed, `until`, or `over` says so.
pub(super) fn serve(
    room: &Room<'_>,
    by: u32,
    listener: std::net::TcpListener,
    until: Instant,
    over: &dyn Fn() -> bool,
) -> io::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_io().enable_time().build()?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        let SocketAddr::V4(ours) = listener.local_addr()? else {
            return Err(io::Error::other("it does not listen on 127.0.0.1"));
        };
        let mut tick = tokio::time::interval(LOOK_AGAIN);
        let mut open = FuturesUnordered::new();
        loop {
            tokio::select! {
                _ = tick.tick() => {
                    if room.is_closed() || Instant::now() >= until || over() {
                        // What is still being given ends with its connection.
                        return Ok(());
                    }
                }
                Some(()) = open.next(), if !open.is_empty() => {}
                Ok((stream, theirs)) = listener.accept() => {
                    let asker = is_asker(theirs, ours, by);
                    if asker && open.len() < CONNECTIONS_MAX {
                        open.push(converse(room, stream));
                    } else if !asker {
                        let _ = stream.try_write(ANOTHER);
                    }
                }
            }
        }
    })
}

/// Whether it is the asker who connects. Where the kernel does not say so, it is not.
fn is_asker(theirs: SocketAddr, ours: SocketAddrV4, by: u32) -> bool {
    match theirs {
        SocketAddr::V4(theirs) => peer::user(theirs, ours).ok().flatten() == Some(by),
        SocketAddr::V6(_) => false,
    }
}

async fn converse(room: &Room<'_>, stream: TcpStream) {
    let answer = service_fn(|request| async move { Ok::<_, Infallible>(room.answer(&request)) });
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WAIT)
        .serve_connection(TokioIo::new(stream), answer);
    // A browser that goes away in the middle is the usual end of a connection.
    let _ = conversation.await;
}
