//! Whose browser it is that connects: the kernel says so of every connection within this machine.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddrV4},
};

/// Where the kernel lists connections; in the second those of programs that speak both IPv4 and IPv6.
const LISTS: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// How an address of IPv4 begins in the second.
const MAPPED: &str = "0000000000000000FFFF0000";

/// What stands there for a connection that both ends still hold.
const ESTABLISHED: &str = "01";

/// The user whose end of a connection to `ours` has the address `theirs`; nothing when the kernel
/// does not list it.
///
/// # Errors
/// As reading the list says.
pub(super) fn user(theirs: SocketAddrV4, ours: SocketAddrV4) -> io::Result<Option<u32>> {
    for list in LISTS {
        let list = match fs::read_to_string(list) {
            // A kernel without IPv6 has no second list.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            list => list?,
        };
        if let Some(user) = find(&list, theirs, ours) {
            return Ok(Some(user));
        }
    }
    Ok(None)
}

fn find(list: &str, theirs: SocketAddrV4, ours: SocketAddrV4) -> Option<u32> {
    list.lines().skip(1).find_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let (local, remote) = (address(words.next()?)?, address(words.next()?)?);
        // One that its owner has let go of is listed as root's.
        let held = words.next()? == ESTABLISHED;
        // Behind the queues, the timer and the retransmissions.
        let user = words.nth(3)?.parse().ok()?;
        (held && local == theirs && remote == ours).then_some(user)
    })
}

/// `0100007F:1F90`: the address as its four bytes lie in memory, the port as a number.
fn address(word: &str) -> Option<SocketAddrV4> {
    let (ip, port) = word.split_once(':')?;
    let ip = u32::from_str_radix(ip.strip_prefix(MAPPED).unwrap_or(ip), 16).ok()?;
    let port = u16::from_str_radix(port, 16).ok()?;
    Some(SocketAddrV4::new(Ipv4Addr::from(ip.to_ne_bytes()), port))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::{TcpListener, TcpStream};

    use super::*;

    const PAGE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
        0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000   117        0 1 1\n\
        1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000   117        0 2 1\n\
        2: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 3 1\n\
        3: 0100007F:C351 0100007F:1F90 06 00000000:00000000 03:00000000 00000000     0        0 0 3\n\
        4: 0000000000000000FFFF00000100007F:C352 0000000000000000FFFF00000100007F:1F90 01 00000000:00000000 00:00000000 00000000  1002        0 3 1\n";

    fn local(port: u16) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn a_connections_other_end_names_its_user() {
        for (theirs, ours, user) in [
            (50_000, 8_080, Some(1_001)),
            (8_080, 50_000, Some(117)),
            // Let go of, and listed as root's.
            (50_001, 8_080, None),
            (50_000, 8_081, None),
            // By a program that speaks IPv6 as well.
            (50_002, 8_080, Some(1_002)),
            (0, 0, None),
        ] {
            let found = find(PAGE, local(theirs), local(ours));
            assert_eq!(found, user, "{theirs} to {ours}");
        }
        assert_eq!(find("", local(1), local(2)), None);
        assert_eq!(find("x\nnothing\n1: a b c\n", local(1), local(2)), None);
    }

    #[test]
    fn a_connection_of_ours_is_ours() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let _stream = TcpStream::connect(address).unwrap();
        let (_accepted, peer) = listener.accept().unwrap();
        let (std::net::SocketAddr::V4(ours), std::net::SocketAddr::V4(theirs)) = (address, peer)
        else {
            panic!("{address} {peer}")
        };
        let we = rustix::process::geteuid().as_raw();
        assert_eq!(user(theirs, ours).unwrap(), Some(we));
    }
}
