import Foundation
import NIOCore
import NIOHTTP1

/// One client connection: takes its requests one after the other, answers llama-swap's own routes, and passes the rest
/// on to a model, loading it first. When the client leaves, what it asked for is dropped.
final class Frontend: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private struct Request {
        var head: HTTPRequestHead
        var body: ByteBuffer
    }

    private static let hopByHop = [
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    private let supervisor: Supervisor
    private var context: ChannelHandlerContext?
    private var incoming: Request?
    private var waiting: [Request] = []
    private var current: Request?
    private var isHeadSent = false
    private var number: Int?
    private var follower: Int?
    private var upstream: UpstreamExchange?
    private var ticks: Ticker?

    init(_ supervisor: Supervisor) { self.supervisor = supervisor }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): incoming = Request(head: head, body: ByteBuffer())
        case .body(var bytes): incoming?.body.writeBuffer(&bytes)
        case .end:
            guard let request = incoming else { return }
            incoming = nil
            waiting.append(request)
            if current == nil { next() }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        release()
        upstream?.cancel()
        self.context = nil
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        upstream?.setReading(context.channel.isWritable)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func next() {
        guard !waiting.isEmpty else { return }
        let request = waiting.removeFirst()
        current = request
        isHeadSent = false
        let configuration = supervisor.configuration
        let route = Route(
            request.head.method, request.head.uri,
            contentType: request.head.headers.first(name: "content-type") ?? "",
            body: request.body.readableBytesView, resolve: configuration.resolve)
        switch route {
        case .health: reply(.ok, "text/plain", "OK")
        case .running: reply(.ok, "application/json", Replies.running(configuration, supervisor.resident))
        case .models: reply(.ok, "application/json", Replies.models(configuration, supervisor.resident))
        case .version:
            reply(.ok, "application/json", #"{"build_date":"-","commit":"stand-in","version":"v211"}"# + "\n")
        case .events: followEvents()
        case .unload(let name): unload(name)
        case .redirect(let location): reply(.movedPermanently, "text/html", "", ["location": location])
        case .model(let name, let uri, let stream):
            guard let id = configuration.resolve(name) else {
                return reply(.notFound, "application/json", Replies.error(.notFound, "no router for requested model"))
            }
            ask(id, request, uri: uri, stream: stream)
        case .noModel:
            reply(.notFound, "application/json", Replies.error(.notFound, "no model id could be identified"))
        case .notFound: reply(.notFound, "text/plain", "404 page not found\n")
        }
    }

    private func unload(_ name: String?) {
        guard let name else {
            let ids = supervisor.configuration.models.map(\.id)
            let (type, body) =
                current?.head.method == .POST ? ("application/json", #"{"msg":"ok"}"# + "\n") : ("text/plain", "OK")
            return supervisor.unload(ids) { self.reply(.ok, type, body) }
        }
        guard let id = supervisor.configuration.resolve(name) else {
            return reply(.notFound, "application/json", Replies.error(.notFound, "model not found"))
        }
        supervisor.unload([id]) { self.reply(.ok, "text/plain", "OK") }
    }

    private func followEvents() {
        beginStream()
        let states = {
            self.write(Replies.statusEvent(self.supervisor.configuration, self.supervisor.resident))
        }
        follower = supervisor.follow { news in
            switch news {
            case .states: states()
            case .line(let line): self.write(Replies.logEvent(line))
            }
        }
        write(Replies.logEvent("llama-swap listening\n"))
        states()
        write(Replies.firstEvents)
    }

    private func ask(_ id: String, _ request: Request, uri: String, stream: Bool) {
        let showsLoading =
            stream && supervisor.configuration.sendLoadingState && supervisor.resident[id] != .ready
            && uri.hasPrefix("/v1/chat/completions")
        let begin = NIODeadline.now()
        number = supervisor.request(id) { decision in
            self.ticks?.cancel()
            if self.isHeadSent, self.ticks != nil {
                let seconds = Double((NIODeadline.now() - begin).nanoseconds) / 1e9
                self.write(Replies.loading("\nDone! (\(String(format: "%.2f", seconds))s)\n"))
            }
            self.ticks = nil
            switch decision {
            case .serve(let port): self.pass(request, uri: uri, port: port)
            case .refuse(.tooManyRequests):
                let body = Replies.error(.tooManyRequests, "Too many requests")
                self.reply(.tooManyRequests, "application/json", body, ["retry-after": "1"])
            case .refuse(.unloaded): self.fail("unspecific error: matrix: model unloaded")
            case .refuse(.startFailed(let reason)): self.fail("unspecific error: \(reason)")
            }
        }
        guard showsLoading else { return }
        ticks = Ticker(every: .seconds(1), on: supervisor.loop) {
            if self.isHeadSent { return self.write(Replies.loading(".")) }
            // The first tick runs after the decision on a request that is refused at once.
            self.beginStream()
            self.write(Replies.loading("llama-swap loading model: \(id)\n"))
        }
    }

    private func fail(_ message: String) {
        reply(.internalServerError, "application/json", Replies.error(.internalServerError, message))
    }

    private func pass(_ request: Request, uri: String, port: Int) {
        var head = request.head
        head.uri = uri
        let named = head.headers[canonicalForm: "connection"].map { $0.lowercased() }
        for name in Self.hopByHop + named { head.headers.remove(name: name) }
        head.headers.replaceOrAdd(name: "host", value: "localhost:\(port)")
        head.headers.replaceOrAdd(name: "connection", value: "close")
        head.headers.remove(name: "content-length")
        if request.body.readableBytes > 0 || head.method == .POST {
            head.headers.add(name: "content-length", value: String(request.body.readableBytes))
        }
        upstream = UpstreamExchange(head, body: request.body, port: port, on: supervisor.loop) { event in
            switch event {
            case .head(let head):
                var headers = head.headers
                for name in Self.hopByHop { headers.remove(name: name) }
                self.begin(head.status, headers)
            case .body(let bytes): self.write(bytes)
            case .end: self.finish()
            case .lost where self.isHeadSent: self.finish()
            case .lost: self.reply(.badGateway, "application/json", Replies.error(.badGateway, "upstream is gone"))
            }
        }
        if context?.channel.isWritable == false { upstream?.setReading(false) }
    }

    private func beginStream() {
        begin(.ok, ["content-type": "text/event-stream", "cache-control": "no-cache"])
    }

    private func begin(_ status: HTTPResponseStatus, _ headers: HTTPHeaders) {
        guard let current, !isHeadSent else { return }
        isHeadSent = true
        let head = HTTPResponseHead(version: current.head.version, status: status, headers: headers)
        context?.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    }

    private func write(_ text: String) { write(ByteBuffer(string: text)) }

    private func write(_ bytes: ByteBuffer) {
        context?.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
    }

    /// A whole reply; after a head that is already out, only its body.
    private func reply(
        _ status: HTTPResponseStatus, _ type: String, _ body: String, _ extra: HTTPHeaders = [:]
    ) {
        guard current != nil else { return }
        var headers: HTTPHeaders = ["content-type": type, "content-length": String(body.utf8.count)]
        headers.add(contentsOf: extra)
        begin(status, headers)
        write(body)
        finish()
    }

    private func finish() {
        guard let request = current else { return }
        release()
        upstream = nil
        current = nil
        guard let context else { return }
        let isLast = !request.head.isKeepAlive
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        supervisor.answered(request.head.method.rawValue, request.head.uri)
        if isLast { context.close(promise: nil) } else { next() }
    }

    /// Gives back what the current request holds.
    private func release() {
        ticks?.cancel()
        ticks = nil
        if let follower { supervisor.unfollow(follower) }
        follower = nil
        if let number { supervisor.finished(number) }
        number = nil
    }
}
