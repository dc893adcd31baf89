//! A WebSocket echo server on one thread: `echo tungstenite` or `echo fastwebsockets`, and behind that
//! the PEM files of a chain and a key for TLS. It prints `port NUMBER` and ends with its standard input.

use fastwebsockets::{Frame, OpCode, Role, WebSocket};
use futures_util::{SinkExt, StreamExt};
use std::error::Error;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

type Result = std::result::Result<(), Box<dyn Error>>;

async fn tungstenite(stream: impl AsyncRead + AsyncWrite + Unpin) -> Result {
    let mut websocket = tokio_tungstenite::accept_async(stream).await?;
    while let Some(message) = websocket.next().await {
        let message = message?;
        if message.is_binary() {
            websocket.send(message).await?;
        }
    }
    Ok(())
}

async fn fastwebsockets(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Result {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let request = String::from_utf8(request)?;
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .ok_or("no key")?;
    let accept = derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await?;
    let mut websocket = WebSocket::after_handshake(stream, Role::Server);
    loop {
        let frame = websocket.read_frame().await?;
        match frame.opcode {
            OpCode::Binary => websocket.write_frame(Frame::binary(frame.payload)).await?,
            OpCode::Close => return Ok(()),
            _ => {}
        }
    }
}

async fn serve(fast: bool, stream: impl AsyncRead + AsyncWrite + Unpin) -> Result {
    if fast { fastwebsockets(stream).await } else { tungstenite(stream).await }
}

fn acceptor(chain: &str, key: &str) -> std::result::Result<TlsAcceptor, Box<dyn Error>> {
    let chain = CertificateDer::pem_file_iter(chain)?.collect::<std::result::Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn listen(fast: bool, tls: Option<TlsAcceptor>) -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("port {}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let tls = tls.clone();
        tokio::spawn(async move {
            // A client that goes away without a close frame is no news.
            let _ = match tls {
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => serve(fast, stream).await,
                    Err(error) => Err(error.into()),
                },
                None => serve(fast, stream).await,
            };
        });
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let fast = match args.first().map(String::as_str) {
        Some("tungstenite") => false,
        Some("fastwebsockets") => true,
        _ => return Err("tungstenite or fastwebsockets?".into()),
    };
    let tls = match args.get(1..) {
        Some([chain, key]) => Some(acceptor(chain, key)?),
        _ => None,
    };
    let server = tokio::spawn(async move {
        if let Err(error) = listen(fast, tls).await {
            eprintln!("{error}");
        }
    });
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    server.abort();
    Ok(())
}
