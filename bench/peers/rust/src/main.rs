//! A WebSocket echo server on one thread: `echo tungstenite`, `echo fastwebsockets`, or `echo yawc` or
//! `echo yawc-fast`, which agree to compress; and behind that the PEM files of a chain and a key for TLS. It prints `port NUMBER` and
//! ends with its standard input.

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
use yawc::{DeflatePool, Options};

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

/// Reads a request and accepts it, with these extensions if it offers some. Returns whether it does.
async fn accept(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    extensions: impl Fn(&str) -> Option<&'static str>,
) -> std::result::Result<Option<&'static str>, Box<dyn Error>> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Err("no request".into());
        }
    }
    let request = String::from_utf8(request)?;
    let field = |name| request.lines().find_map(|line| line.strip_prefix(name));
    let accept = derive_accept_key(field("Sec-WebSocket-Key: ").ok_or("no key")?.as_bytes());
    let agreed = field("Sec-WebSocket-Extensions: ").and_then(extensions);
    let answer = agreed.map(|agreed| format!("Sec-WebSocket-Extensions: {agreed}\r\n"));
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{}\r\n",
        answer.unwrap_or_default()
    );
    stream.write_all(answer.as_bytes()).await?;
    Ok(agreed)
}

async fn fastwebsockets(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Result {
    accept(&mut stream, |_| None).await?;
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

/// With its shared pool, which serves connections that take no context over.
async fn yawc(mut stream: impl AsyncRead + AsyncWrite + Unpin, mut options: Options) -> Result {
    let agreed = accept(&mut stream, |offer| match offer.contains("no_context_takeover") {
        true => Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
        false => Some("permessage-deflate"),
    });
    let agreed = agreed.await?;
    if agreed.is_some_and(|agreed| agreed.contains("no_context_takeover")) {
        options = options.server_no_context_takeover().client_no_context_takeover();
    }
    let role = yawc::Role::Server;
    let mut websocket =
        yawc::WebSocket::from_stream_with_extensions(stream, role, agreed, options)?;
    while let Some(frame) = websocket.next().await {
        match frame.opcode() {
            yawc::OpCode::Text | yawc::OpCode::Binary => websocket.send(frame).await?,
            _ => {}
        }
    }
    Ok(())
}

#[derive(Clone)]
enum Library {
    Tungstenite,
    Fastwebsockets,
    Yawc(Options),
}

async fn serve(library: Library, stream: impl AsyncRead + AsyncWrite + Unpin) -> Result {
    match library {
        Library::Tungstenite => tungstenite(stream).await,
        Library::Fastwebsockets => fastwebsockets(stream).await,
        Library::Yawc(options) => yawc(stream, options).await,
    }
}

fn acceptor(chain: &str, key: &str) -> std::result::Result<TlsAcceptor, Box<dyn Error>> {
    let chain = CertificateDer::pem_file_iter(chain)?.collect::<std::result::Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn listen(library: Library, tls: Option<TlsAcceptor>) -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("port {}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (tls, library) = (tls.clone(), library.clone());
        tokio::spawn(async move {
            // A client that goes away without a close frame is no news.
            let _ = match tls {
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => serve(library, stream).await,
                    Err(error) => Err(error.into()),
                },
                None => serve(library, stream).await,
            };
        });
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let pooled = |options: Options| options.with_deflate_pool(DeflatePool::new(8));
    let library = match args.first().map(String::as_str) {
        Some("tungstenite") => Library::Tungstenite,
        Some("fastwebsockets") => Library::Fastwebsockets,
        Some("yawc") => Library::Yawc(pooled(Options::default().with_balanced_compression())),
        Some("yawc-fast") => {
            Library::Yawc(pooled(Options::default().with_low_latency_compression()))
        }
        _ => return Err("which library?".into()),
    };
    let tls = match args.get(1..) {
        Some([chain, key]) => Some(acceptor(chain, key)?),
        _ => None,
    };
    let server = tokio::spawn(async move {
        if let Err(error) = listen(library, tls).await {
            eprintln!("{error}");
        }
    });
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    server.abort();
    Ok(())
}
