//! The ICMP error that ended an attempt to connect. Linux keeps it (IP_RECVERR, ip(7)), and who sent it: that tells a
//! firewall that rejects from a missing route, which `connect` alone does not. Elsewhere nothing is known.

#[cfg(target_os = "linux")]
pub(super) use linux::Witness;
#[cfg(not(target_os = "linux"))]
pub(super) use nowhere::Witness;

#[cfg(target_os = "linux")]
mod linux {
    use std::io::IoSliceMut;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream};
    use std::os::fd::{AsFd as _, AsRawFd as _};

    use nix::cmsg_space;
    use nix::libc::{SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6, sock_extended_err, sockaddr_in6};
    use nix::sys::socket::sockopt::{Ipv4RecvErr, Ipv6RecvErr};
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt};
    use tokio::net::TcpSocket;

    use crate::net::cause::{IcmpError, IcmpKind};

    /// Errors that one attempt to connect can have left behind.
    const MAX_QUEUED: usize = 8;

    /// A second handle on a socket that is to connect, since the first is gone when that fails.
    pub(in crate::net) struct Witness {
        socket: TcpStream,
        is_ipv6: bool,
    }

    impl Witness {
        /// `None` where the system does not let it watch: then nothing is known, and the connection is made all the same.
        pub(in crate::net) fn of(socket: &TcpSocket, is_ipv6: bool) -> Option<Self> {
            let witness = Self { socket: socket.as_fd().try_clone_to_owned().ok()?.into(), is_ipv6 };
            witness.watch(true).then_some(witness)
        }

        fn watch(&self, on: bool) -> bool {
            if self.is_ipv6 {
                setsockopt(&self.socket, Ipv6RecvErr, &on).is_ok()
            } else {
                setsockopt(&self.socket, Ipv4RecvErr, &on).is_ok()
            }
        }

        /// It is connected. Now an ICMP error is for TCP to weigh again (RFC 1122 §4.2.3.9), and must not end it.
        pub(in crate::net) fn dismiss(self) {
            let _ = self.watch(false);
        }

        /// The error that the attempt ended with.
        pub(in crate::net) fn error(self) -> Option<IcmpError> {
            let here = self.socket.local_addr().ok().map(|address| address.ip());
            let mut last = None;
            for _ in 0..MAX_QUEUED {
                let Some(messages) = self.next() else { break };
                last = messages.iter().find_map(read).or(last);
            }
            let (kind, from) = last?;
            Some(IcmpError { kind, from, from_here: here == Some(from) || from.is_loopback() })
        }

        fn next(&self) -> Option<Vec<ControlMessageOwned>> {
            // The packet that met the error comes with it; only its control message is wanted.
            let mut packet = [0_u8; 64];
            let mut buffers = [IoSliceMut::new(&mut packet)];
            let mut control = cmsg_space!(sock_extended_err, sockaddr_in6);
            let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
            let message = recvmsg::<()>(self.socket.as_raw_fd(), &mut buffers, Some(&mut control), flags).ok()?;
            Some(message.cmsgs().ok()?.collect())
        }
    }

    fn read(message: &ControlMessageOwned) -> Option<(IcmpKind, IpAddr)> {
        match message {
            ControlMessageOwned::Ipv4RecvErr(error, Some(from)) if error.ee_origin == SO_EE_ORIGIN_ICMP => {
                let from = Ipv4Addr::from(u32::from_be(from.sin_addr.s_addr));
                Some((IcmpKind::of_v4(error.ee_type, error.ee_code)?, from.into()))
            }
            ControlMessageOwned::Ipv6RecvErr(error, Some(from)) if error.ee_origin == SO_EE_ORIGIN_ICMP6 => {
                let from = Ipv6Addr::from(from.sin6_addr.s6_addr);
                Some((IcmpKind::of_v6(error.ee_type, error.ee_code)?, from.into()))
            }
            _ => None,
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod nowhere {
    use tokio::net::TcpSocket;

    use crate::net::cause::IcmpError;

    /// Watches nothing.
    pub(in crate::net) struct Witness;

    impl Witness {
        pub(in crate::net) fn of(_: &TcpSocket, _: bool) -> Option<Self> {
            None
        }

        pub(in crate::net) fn dismiss(self) {}

        pub(in crate::net) fn error(self) -> Option<IcmpError> {
            None
        }
    }
}
