//! Both ends against tokio-tungstenite over loopback.

use futures_util::{SinkExt as _, StreamExt as _};
use seg_pool::{Pool, SegmentSize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::{
    accept_hdr_async, client_async,
    tungstenite::{
        Message as TheirMessage,
        handshake::server::{Request, Response},
        protocol::{CloseFrame as TheirClose, frame::coding::CloseCode as TheirCode},
    },
};
use ws_assemble::{
    Assembly, ClientHandshake, CloseCode, CloseFrame, Connection, ConnectionError, ControlPayload,
    DecodeErrorKind, HandshakeErrorKind, Limits, Message, MessageKind, accept, connect,
    random_nonce,
};

const ASSEMBLIES: [Assembly; 2] = [Assembly::Segmented, Assembly::Contiguous];

fn pool() -> Pool {
    // Small segments, so that messages lie across many.
    Pool::builder().segment_size(SegmentSize::K1).build()
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
    (near.expect("connected"), far.expect("accepted").0)
}

/// Echoes until the peer closes.
async fn echo(mut connection: Connection<TcpStream>) -> Result<(), ConnectionError> {
    while let Some(message) = connection.next().await? {
        connection.send(&message).await?;
    }
    Ok(())
}

fn texts() -> Vec<String> {
    vec![String::new(), "h\u{e9}llo \u{1f600}".to_owned(), "\u{20ac}uro ".repeat(50_000)]
}

#[tokio::test]
async fn our_server_echoes_what_tungstenite_sends() {
    for assembly in ASSEMBLIES {
        let (near, far) = pair().await;
        let server =
            tokio::spawn(
                async move { echo(accept(far, &pool()).await?.with_assembly(assembly)).await },
            );
        let (mut client, _) = client_async("ws://localhost/", near).await.expect("handshake");
        for text in texts() {
            client.send(TheirMessage::text(text.clone())).await.expect("sent");
            client.send(TheirMessage::Ping(vec![1, 2, 3].into())).await.expect("sent");
            client.send(TheirMessage::binary(text.clone())).await.expect("sent");
            let mut got = Vec::new();
            while got.len() < 3 {
                got.push(client.next().await.expect("open").expect("valid"));
            }
            // A pong goes out when the input is used up, so its place among the others is open.
            let pong = got.iter().position(TheirMessage::is_pong).expect("a pong");
            assert_eq!(got.remove(pong).into_data(), vec![1, 2, 3]);
            assert_eq!(got, [TheirMessage::text(text.clone()), TheirMessage::binary(text)]);
        }
        let close = TheirClose { code: TheirCode::Away, reason: "done".into() };
        client.close(Some(close)).await.expect("closed");
        let reply = client.next().await.expect("a reply").expect("valid");
        assert!(matches!(reply, TheirMessage::Close(Some(close)) if close.code == TheirCode::Away));
        server.await.expect("no panic").expect("closed in order");
    }
}

#[tokio::test]
async fn our_client_is_echoed_by_tungstenite() {
    for assembly in ASSEMBLIES {
        let (near, far) = pair().await;
        let server = tokio::spawn(async move {
            #[expect(clippy::result_large_err, reason = "as the callback is declared")]
            let chat = |_: &Request, mut response: Response| {
                response
                    .headers_mut()
                    .insert("sec-websocket-protocol", "chat".parse().expect("ok"));
                Ok(response)
            };
            let mut server = accept_hdr_async(far, chat).await.expect("handshake");
            while let Some(Ok(message)) = server.next().await {
                if message.is_text() || message.is_binary() {
                    server.send(message).await.expect("sent");
                }
            }
        });
        let handshake = ClientHandshake::new("localhost", "/", random_nonce())
            .and_then(|handshake| handshake.protocol("chat"))
            .expect("valid");
        let (mut client, response) = connect(near, handshake, &pool()).await.expect("handshake");
        client = client.with_assembly(assembly);
        assert_eq!(response.protocol(), Some("chat"));
        for text in texts() {
            client
                .ping(&ControlPayload::new(b"are you there").expect("short"))
                .await
                .expect("sent");
            client.send(&Message::text(text.clone())).await.expect("sent");
            client.send(&Message::binary(text.clone())).await.expect("sent");
            let message = client.next().await.expect("valid").expect("open");
            assert_eq!((message.kind(), message.as_str()), (MessageKind::Text, Some(&*text)));
            let message = client.next().await.expect("valid").expect("open");
            assert_eq!((message.kind(), message.data()), (MessageKind::Binary, text.as_bytes()));
            assert!(!client.holds_input(), "an idle connection holds no segment");
        }
        client.close(&CloseFrame::new(CloseCode::NORMAL, "bye")).await.expect("closed");
        assert!(matches!(client.send(&Message::text("late")).await, Err(ConnectionError::Closed)));
        server.await.expect("no panic");
    }
}

#[tokio::test]
async fn a_message_over_the_limit_is_answered_with_1009() {
    for assembly in ASSEMBLIES {
        let (near, far) = pair().await;
        let server = tokio::spawn(async move {
            let limits = Limits::default().with_message_bytes_max(1_000);
            let server = accept(far, &pool()).await?;
            server.with_assembly(assembly).with_limits(limits).next().await
        });
        let (mut client, _) = client_async("ws://localhost/", near).await.expect("handshake");
        client.send(TheirMessage::binary(vec![0; 1_001])).await.expect("sent");
        let error = server.await.expect("no panic").expect_err("too long");
        let ConnectionError::Decode(error) = error else { panic!("{error}") };
        assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::MessageTooLong, 1));
        let reply = client.next().await.expect("a reply").expect("valid");
        assert!(matches!(reply, TheirMessage::Close(Some(close)) if close.code == TheirCode::Size));
    }
}

#[tokio::test]
async fn a_client_that_is_refused_is_answered_and_not_reset() {
    let (mut near, far) = pair().await;
    let client = async {
        let head = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(70_000));
        near.write_all(head.as_bytes()).await.expect("read to its end");
        let mut got = String::new();
        near.read_to_string(&mut got).await.expect("no reset");
        drop(near);
        got
    };
    let pool = pool();
    let (refused, got) = tokio::join!(accept(far, &pool), client);
    let Err(ConnectionError::Handshake(error)) = refused else { panic!("not refused") };
    assert_eq!(error.kind(), HandshakeErrorKind::HeadTooLong);
    assert!(got.starts_with("HTTP/1.1 431 "), "{got}");
}

#[tokio::test]
async fn a_stream_that_ends_without_a_close_frame_is_an_error() {
    let (near, far) = pair().await;
    let server = tokio::spawn(async move { accept(far, &pool()).await?.next().await });
    let (client, _) = client_async("ws://localhost/", near).await.expect("handshake");
    drop(client);
    let error = server.await.expect("no panic").expect_err("truncated");
    assert!(
        matches!(error, ConnectionError::Decode(error) if error.kind() == DecodeErrorKind::Truncated)
            || matches!(error, ConnectionError::Io(_))
    );
}

#[tokio::test]
async fn a_read_that_is_cancelled_loses_nothing() {
    let (near, far) = pair().await;
    let (mut client, server) = tokio::join!(
        async { client_async("ws://localhost/", near).await.expect("handshake").0 },
        async { accept(far, &pool()).await },
    );
    let mut server = server.expect("handshake");
    let sender = tokio::spawn(async move {
        for index in 0..50_u8 {
            client.send(TheirMessage::binary(vec![index; 5_000])).await.expect("sent");
            tokio::task::yield_now().await;
        }
        client
    });
    let mut received = 0_u8;
    while received < 50 {
        tokio::select! {
            biased;
            message = server.next() => {
                let message = message.expect("valid").expect("open");
                assert_eq!(message.data(), [received; 5_000]);
                received += 1;
            }
            () = tokio::task::yield_now() => {}
        }
    }
    drop(sender.await.expect("no panic"));
}

/// Echoes everything over a stream whose handshake is done.
#[cfg(feature = "deflate")]
async fn echo_by_yawc(stream: TcpStream, role: yawc::Role, extensions: String) {
    let options = yawc::Options::default().with_balanced_compression().with_utf8();
    let mut socket =
        yawc::WebSocket::from_stream_with_extensions(stream, role, Some(&extensions), options)
            .expect("the same extension");
    while let Some(frame) = socket.next().await {
        if frame.opcode() == yawc::OpCode::Close {
            break;
        }
        socket.send(frame).await.expect("open");
    }
}

#[cfg(feature = "deflate")]
#[tokio::test]
async fn what_we_compress_is_echoed_compressed_by_yawc_in_both_roles() {
    use ws_assemble::{DeflateConfig, Role, ServerHandshake, Session};

    let takeovers = [
        DeflateConfig::default(),
        DeflateConfig::default().without_server_takeover().without_client_takeover(),
    ];
    for options in takeovers {
        let client = ClientHandshake::new("localhost", "/", random_nonce()).expect("valid");
        let head = client.deflate(options.clone()).request();
        let request = ServerHandshake::new().push(&mut &head[..]).expect("valid").expect("whole");
        let acceptance = request.accept().deflate(&options);
        let agreed = acceptance.agreed_deflate().expect("offered");
        let (_, value) = acceptance.fields().last().expect("granted");
        let value = str::from_utf8(value).expect("text").to_owned();
        for assembly in ASSEMBLIES {
            for (role, theirs) in
                [(Role::Client, yawc::Role::Server), (Role::Server, yawc::Role::Client)]
            {
                let (near, far) = pair().await;
                let echo = echo_by_yawc(far, theirs, value.clone());
                let ours = async {
                    let session = Session::new(role, &pool()).with_assembly(assembly);
                    let mut connection = Connection::new(near, session.with_deflate(agreed));
                    // yawc 0.5 never finishes compressing an empty message.
                    for text in texts().into_iter().skip(1) {
                        for _ in 0..3 {
                            connection.send_text(&text).await.expect("open");
                            let message = connection.next().await.expect("valid").expect("open");
                            assert_eq!(message.as_str(), Some(&*text));
                        }
                    }
                };
                tokio::join!(echo, ours);
            }
        }
    }
}
