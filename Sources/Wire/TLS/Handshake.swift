import Cluster
import NIOCore
import NIOSSL
import NIOTLS

/// A connection's TLS handshake: who is at the other end, or why there will be no connection.
///
/// It stands right behind the TLS handler, tells once how the handshake went, and takes itself out of a connection that
/// goes on. While ``TLSIdentity/verify`` is at work nothing more is read: TLS would keep what comes, however much.
final class Handshake: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let closedEarly = Failure(description: TLSReason.closedEarly)

    /// A success without an identity is that of a client without certificate.
    typealias Outcome = Result<PeerIdentity?, Failure>

    /// When the handshake is to be given up, by the clock of whoever made it.
    let deadline: NIODeadline
    private let verify: @Sendable ([[UInt8]]) async throws -> PeerIdentity
    /// Who must be at the other end; nil takes whom `verify` takes.
    private let expected: NodeID?
    private let needsCertificate: Bool
    private var done: ((Outcome) -> Void)?
    private var context: ChannelHandlerContext?
    private var identity: PeerIdentity?
    private var refusal: String?
    private var verification: Task<Void, Never>?
    private var readIsHeld = false
    /// It came to nothing, and the other side may still be reading why.
    private(set) var hasFailed = false

    private init(
        _ identity: TLSIdentity, expected: NodeID?, needsCertificate: Bool, within timeout: TimeAmount,
        _ done: @escaping (Outcome) -> Void
    ) {
        deadline = .now() + timeout
        verify = identity.verify
        self.expected = expected
        self.needsCertificate = needsCertificate
        self.done = done
    }

    /// The server's side, before the channel is active.
    ///
    /// - Parameters:
    ///   - timeout: to be kept by the caller, with ``giveUp(_:)`` at the ``deadline``: one clock serves many.
    ///   - lingering: how long a client that was refused has to read why.
    ///   - done: called once on the channel's event loop; the handlers for what TLS carries are added there.
    /// - Throws: ``TLSIdentity/Failure`` where there is no certificate, or the channel is closed.
    static func accept(
        _ channel: any Channel, as identity: TLSIdentity, within timeout: TimeAmount, lingering: TimeAmount,
        _ done: @escaping (Outcome) -> Void
    ) throws -> Handshake {
        let pipeline = channel.pipeline.syncOperations
        var lastAlert: LastAlert?
        let handshake = Handshake(identity, expected: nil, needsCertificate: false, within: timeout) { outcome in
            if case .success = outcome, let lastAlert { pipeline.removeHandler(lastAlert, promise: nil) }
            lastAlert = nil
            done(outcome)
        }
        let tls = NIOSSLServerHandler(
            context: try identity.serverContext(), customVerificationCallback: handshake.check)
        let alert = LastAlert(handshake, lingering: lingering)
        lastAlert = alert
        try pipeline.addHandler(alert)
        try pipeline.addHandler(tls)
        try pipeline.addHandler(handshake)
        return handshake
    }

    /// The client's side, over a channel that is connected.
    ///
    /// - Parameters:
    ///   - expected: the node that must answer; nil takes any that is verified.
    ///   - timeout: after which it is given up.
    ///   - done: called once on the channel's event loop, perhaps before this returns.
    static func open(
        _ channel: any Channel, as identity: TLSIdentity, expected: NodeID?, within timeout: TimeAmount,
        _ done: @escaping (Outcome) -> Void
    ) {
        var timer: Scheduled<Void>?
        let handshake = Handshake(identity, expected: expected, needsCertificate: true, within: timeout) {
            timer?.cancel()
            timer = nil
            done($0)
        }
        timer = channel.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            handshake.giveUp("the TLS handshake was not over in time")
        }
        do {
            let tls = try NIOSSLClientHandler(
                context: identity.clientContext, serverHostname: nil, customVerificationCallback: handshake.check)
            let pipeline = channel.pipeline.syncOperations
            // Before TLS, which speaks as soon as it is there.
            try pipeline.addHandler(handshake)
            try pipeline.addHandler(tls, position: .before(handshake))
            if !channel.isActive { handshake.finish(.failure(closedEarly)) }
        } catch {
            handshake.finish(.failure(Failure(description: TLSReason.text(of: error) ?? "\(error)")))
            channel.close(promise: nil)
        }
    }

    /// Ends the connection, unless the handshake is over.
    func giveUp(_ reason: String) {
        guard done != nil else { return }
        finish(.failure(Failure(description: reason)))
        context?.closeAtOnce()
    }

    private func finish(_ outcome: Outcome) {
        guard let done else { return }
        self.done = nil
        verification?.cancel()
        done(outcome)
    }

    // MARK: The other side's certificate

    private var check: NIOSSLCustomVerificationCallback {
        { [weak self] chain, verdict in
            guard let self else { return verdict.succeed(.failed) }
            verify(chain, verdict)
        }
    }

    private func verify(_ chain: [NIOSSLCertificate], _ verdict: EventLoopPromise<NIOSSLVerificationResult>) {
        guard done != nil, let context else { return verdict.succeed(.failed) }
        let found = context.eventLoop.makePromise(of: PeerIdentity.self)
        found.futureResult.assumeIsolated().whenComplete { self.verified($0, verdict) }
        do {
            let certificates = try chain.map { try $0.toDERBytes() }
            let verify = verify
            verification = found.completeWithTask { try await verify(certificates) }
        } catch {
            found.fail(error)
        }
    }

    private func verified(
        _ result: Result<PeerIdentity, any Error>, _ verdict: EventLoopPromise<NIOSSLVerificationResult>
    ) {
        verification = nil
        switch result {
        case .failure(let error): refusal = "\(error)"
        case .success(let found):
            if let expected, found.node != expected {
                refusal = "its certificate is that of node \(found.node), not of \(expected)"
            } else {
                identity = found
            }
        }
        verdict.succeed(identity == nil ? .failed : .certificateVerified)
        if readIsHeld {
            readIsHeld = false
            context?.read()
        }
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        finish(.failure(Self.closedEarly))
    }

    func read(context: ChannelHandlerContext) {
        if verification != nil { readIsHeld = true } else { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        // A session that is resumed brings the certificate of another connection, which was not looked at now.
        if identity == nil, needsCertificate || hasPeerCertificate(context) {
            return giveUp("its certificate was not verified")
        }
        finish(.success(identity))
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    private func hasPeerCertificate(_ context: ChannelHandlerContext) -> Bool {
        (try? context.pipeline.syncOperations.nioSSL_peerCertificate()) != nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        hasFailed = true
        finish(.failure(Failure(description: refusal ?? UpstreamCall.describe(error))))
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(.failure(Self.closedEarly))
        context.fireChannelInactive()
    }
}
