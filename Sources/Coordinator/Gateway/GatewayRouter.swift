import Cluster
package import Logging
import NIOCore
package import Wire

/// The router of a host without a stack: it has the key of a cluster, and hands each request to one of its routers.
///
/// Who may ask is this host's own business, as on any loopback router. What a client brings to let itself in stays here, and
/// what a router says to browsers goes nowhere.
package final class GatewayRouter: RequestRouter {
    private let desk: GatewayDesk
    private let hostGuard: LoopbackGuard
    private let log: Logger

    package init(_ desk: GatewayDesk, hostGuard: LoopbackGuard, log: Logger) {
        self.desk = desk
        self.hostGuard = hostGuard
        self.log = log
    }

    package func admit(_ head: RequestHead, from peer: Peer) -> Admission {
        if let fault = hostGuard.fault(head.fields) { return .reply(fault.reply) }
        if head.method == "GET", head.path == GatewayReport.path { return .reply(NodeRoutes.json(desk.report)) }
        guard Self.isServed(head) else {
            return .reply(OpenAIError(404, "not_found", "\(head.method) \(head.path) is not served here.").reply)
        }
        return .collect(RequestScan(.none))
    }

    package func route(
        _ head: RequestHead, _ body: ScanOutcome, modelName: String?, from peer: Peer
    ) -> Disposition {
        var head = head
        // A query may hold credentials too, and means nothing to a router.
        head.target = String(head.path)
        HopFields.strip(&head.fields, isOwn: false)
        HopFields.stripHop(&head.fields)
        let isEventStream = if case .request(let request) = body { request.wantsStream } else { false }
        return .dispatch(GatewayErrand(head, isEventStream: isEventStream, desk, log: log))
    }

    package func reply(to head: RequestHead, after failure: UpstreamFailure) -> Reply {
        OpenAIError(502, "upstream_unavailable", "\(failure).").reply
    }

    /// What thin clients may ask of a cluster's router; its own word decides on each.
    private static func isServed(_ head: RequestHead) -> Bool {
        switch (head.method, head.path) {
        case ("GET", "/models.ini"), ("HEAD", "/models.ini"), ("GET", "/llmstack/v1/cluster"),
            ("POST", "/llmstack/v1/explain"):
            true
        case (_, let path): path.hasPrefix("/v1/")
        }
    }
}
