import Dispatch
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Behaves like llama-swap, for tests and the quickstart, where no llama-swap can be had. Users run llama-swap.
@main
struct StandIn {
    private struct Stopped: Error {
        var message: String
        var status: Int32
    }

    private static let usage = "usage: llama-swap-stand-in --config FILE [--listen HOST:PORT] [--child-log FILE]"

    private var config = ""
    private var host = "127.0.0.1"
    private var port = 8080
    private var childLog = ""

    static func main() {
        signal(SIGPIPE, SIG_IGN)
        do {
            try StandIn(arguments: Array(CommandLine.arguments.dropFirst())).run()
        } catch let stopped as Stopped {
            FileHandle.standardError.write(Data((stopped.message + "\n").utf8))
            exit(stopped.status)
        } catch {
            FileHandle.standardError.write(Data("llama-swap-stand-in: \(error)\n".utf8))
            exit(1)
        }
    }

    private init(arguments: [String]) throws(Stopped) {
        var rest = arguments[...]
        while let flag = rest.popFirst() {
            let name = flag.hasPrefix("--") ? flag.dropFirst() : flag[...]
            let parts = name.split(separator: "=", maxSplits: 1).map(String.init)
            func value() throws(Stopped) -> String {
                if parts.count == 2 { return parts[1] }
                guard let next = rest.popFirst() else {
                    throw Stopped(message: "\(flag) needs a value\n\(Self.usage)", status: 2)
                }
                return next
            }
            switch parts.first {
            case "-version":
                Log.say("version: v211 (stand-in), built at -")
                exit(0)
            case "-config": config = try value()
            case "-listen":
                let text = try value()
                guard let colon = text.lastIndex(of: ":"), let number = Int(text[text.index(after: colon)...]) else {
                    throw Stopped(message: "--listen needs HOST:PORT, not \(text)", status: 2)
                }
                if colon != text.startIndex { host = String(text[..<colon]).filter { $0 != "[" && $0 != "]" } }
                port = number
            case "-child-log": childLog = try value()
            default: throw Stopped(message: "unknown argument \(flag)\n\(Self.usage)", status: 2)
            }
        }
        if config.isEmpty { throw Stopped(message: Self.usage, status: 2) }
        if childLog.isEmpty {
            // Where llmstack keeps its logs, a llama-server that fails should say why.
            let logs = URL(filePath: config).deletingLastPathComponent().appending(path: "logs")
            let isThere = FileManager.default.fileExists(atPath: logs.path)
            childLog = isThere ? logs.appending(path: "llama-server.log").path : "/dev/null"
        }
    }

    private func run() throws {
        let configuration: Configuration
        do {
            let text = try String(contentsOfFile: config, encoding: .utf8)
            configuration = try Configuration(YAML(parsing: text))
        } catch {
            throw Stopped(message: "\(config): \(error)", status: 1)
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let log = childLog
        let supervisor = try loop.submit {
            NIOLoopBound(Supervisor(configuration, loop: loop, log: log), eventLoop: loop)
        }.wait()
        let server = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.configureHTTPServerPipeline(
                        withPipeliningAssistance: false, withErrorHandling: true)
                    try pipeline.addHandler(Frontend(supervisor.value))
                }
            }
        do {
            _ = try server.bind(host: host, port: port).wait()
        } catch {
            throw Stopped(message: "cannot listen on \(host):\(port): \(error)", status: 1)
        }
        Log.say("llama-swap (stand-in) listening on http://\(host):\(port)")
        try loop.submit { supervisor.value.begin() }.wait()
        Self.awaitSignal()
        let ended = DispatchSemaphore(value: 0)
        loop.execute {
            supervisor.value.end { ended.signal() }
        }
        ended.wait()
        Log.say("stopped")
        exit(0)
    }

    /// Blocks until SIGTERM or SIGINT.
    private static func awaitSignal() {
        let came = DispatchSemaphore(value: 0)
        let sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { came.signal() }
            source.resume()
            return source
        }
        came.wait()
        for source in sources { source.cancel() }
    }
}
