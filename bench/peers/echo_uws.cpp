/*  A WebSocket echo server on uWebSockets: prints `port NUMBER`, ends with its
    standard input.

        echo_uws plain|shared|dedicated [CHAIN KEY]

    `shared` agrees to compress without contexts that are taken over, `dedicated`
    with some of up to 8 KiB. PEM files: over TLS. */

#include <App.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>
#include <unistd.h>

struct Nothing {};

static uWS::CompressOptions compression(std::string_view how)
{
    if(how == "shared") return uWS::CompressOptions(uWS::SHARED_COMPRESSOR | uWS::SHARED_DECOMPRESSOR);
    if(how == "dedicated")
        return uWS::CompressOptions(uWS::DEDICATED_COMPRESSOR_8KB | uWS::DEDICATED_DECOMPRESSOR_8KB);
    return uWS::DISABLED;
}

static void wait_for_end()
{
    char byte;
    while(read(STDIN_FILENO, &byte, 1) > 0);
    _exit(0);
}

template<bool SSL> static int serve(uWS::TemplatedApp<SSL> &&app, uWS::CompressOptions compression)
{
    auto port = [](us_listen_socket_t *listener) {
        if(!listener) exit(1);
        printf("port %d\n", us_socket_local_port(SSL, reinterpret_cast<us_socket_t*>(listener)));
        fflush(stdout);
        std::thread(wait_for_end).detach();
    };
    app.template ws<Nothing>("/*", {
        .compression = compression,
        .maxPayloadLength = 2 << 20,
        .idleTimeout = 0,
        .maxBackpressure = 16 << 20,
        .sendPingsAutomatically = false,
        .message = [compression](auto *ws, std::string_view message, uWS::OpCode opcode) {
            ws->send(message, opcode, compression != uWS::DISABLED);
        },
    });
    app.listen("127.0.0.1", 0, port).run();
    return 1;
}

int main(int argc, char *argv[])
{
    if(argc == 2) return serve(uWS::App(), compression(argv[1]));
    if(argc != 4) return 1;
    return serve(uWS::SSLApp({.key_file_name = argv[3], .cert_file_name = argv[2]}),
        compression(argv[1]));
}
