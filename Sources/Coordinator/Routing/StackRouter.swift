package import Cluster
package import Logging
import NIOCore
import NIOPosix
import Synchronization
package import Wire

/// The router of one node: guards, routes, ladder, placement.
package final class StackRouter: RequestRouter {
    /// What is decided by; replaced whole when models.ini is read again.
    private final class Rules: Sendable {
        let table: RoutingTable
        let placement: Placement

        init(_ table: RoutingTable, local: Sighting) {
            self.table = table
            placement = Placement(local: local, catalog: table.catalog)
        }
    }

    private let rules: Mutex<Rules>
    private let profile: ServingProfile
    private let local: Sighting
    private let modelsINI: String
    private let hostGuard: LoopbackGuard
    private let log: Logger

    /// - Parameters:
    ///   - local: the local node's llama-swap.
    ///   - modelsINI: path of the file that `/models.ini` shows.
    package init(
        table: RoutingTable, profile: ServingProfile, local: Sighting, modelsINI: String, hostGuard: LoopbackGuard,
        log: Logger
    ) {
        rules = Mutex(Rules(table, local: local))
        self.profile = profile
        self.local = local
        self.modelsINI = modelsINI
        self.hostGuard = hostGuard
        self.log = log
    }

    /// Decides by this from the next request on.
    package func use(_ table: RoutingTable) {
        let new = Rules(table, local: local)
        rules.withLock { $0 = new }
    }

    private var current: Rules { rules.withLock { $0 } }

    // MARK: RequestRouter

    package func admit(_ head: RequestHead) -> Admission {
        if let fault = hostGuard.fault(head.fields) { return .reply(fault.reply) }
        switch profile.route(head) {
        case .completion: return .collect(RequestScan(current.table.vocabulary))
        case .modelList: return .answer { self.modelList(head, $0) }
        case .modelsINI: return .answer { pool in self.modelsINIReply(pool.loop) }
        case nil: return .forward(Endpoint(local))
        }
    }

    package func route(_ head: RequestHead, _ body: ScanOutcome, modelName: String?) -> Disposition {
        switch body {
        case .notJSON: return .forward(Endpoint(local), .none)
        case .notObject:
            return refuse(400, "invalid_json", "The body must be a JSON object.")
        case .tooDeep:
            return refuse(400, "invalid_json", "The body is nested deeper than \(RequestScan.depthLimit) levels.")
        case .empty: return auto(RequestFacts(), head) { .replace(ByteBuffer(string: "{\"model\": \($0.jsonQuoted)}")) }
        case .request(let request):
            switch request.model {
            case .invalid:
                return refuse(400, "invalid_value", "\"model\" must be a string: a tier, an alias or \"auto\".")
            case .concrete: return place(modelName, current.placement, .none)
            case .auto:
                if let index = request.badMessage {
                    return refuse(400, "invalid_value", "messages[\(index)] must be an object with role and content.")
                }
                return auto(request.facts, head) { .edit(BodyEdit(model: $0, in: request)) }
            }
        }
    }

    package func reply(to head: RequestHead, after failure: UpstreamFailure) -> Reply {
        log.warning("\(head.method) \(head.path): \(failure)")
        return OpenAIError(
            502, "upstream_unavailable",
            "llama-swap: \(failure). See .llmstack/logs/llama-swap.log; llmstack start brings it up."
        ).reply
    }

    // MARK: Completions

    private func auto(
        _ facts: RequestFacts, _ head: RequestHead, _ edit: (String) -> Disposition.Edit
    ) -> Disposition {
        let rules = current
        let decision = rules.table.ladder.decide(facts)
        log.info("auto -> \(decision.model) (\(decision.reason)) [path=\(head.path)]")
        return place(decision.model, rules.placement, edit(decision.model))
    }

    private func place(_ model: String?, _ placement: Placement, _ edit: Disposition.Edit) -> Disposition {
        switch placement.place(model) {
        case .node(let node): return .forward(Endpoint(node), edit)
        case .hosted(let tier):
            return refuse(
                501, "hosted_tier_unavailable",
                "The tier \"\(tier.name)\" is hosted on AWS Bedrock, which this version lists but cannot call yet. "
                    + "Name a local tier, or give [\(tier.name)] hf_repo and hf_file in models.ini.")
        }
    }

    private func refuse(_ status: Int, _ code: String, _ message: String) -> Disposition {
        .reply(OpenAIError(status, code, message).reply)
    }

    // MARK: The router's own routes

    private func modelList(_ head: RequestHead, _ pool: UpstreamPool) -> EventLoopFuture<Reply> {
        let table = current.table
        var head = head
        // The list is read here: it must come plain and whole.
        for field in ["accept-encoding", "if-none-match", "if-modified-since", "range"] { head.fields.remove(field) }
        return pool.fetch(head, from: Endpoint(local), limit: ModelList.bodyLimit).map { reply in
            ModelList(table).merged(into: reply)
        }.recover { _ in ModelList(table).alone }
    }

    private func modelsINIReply(_ loop: any EventLoop) -> EventLoopFuture<Reply> {
        let path = modelsINI
        return NIOThreadPool.singleton.runIfActive(eventLoop: loop) { () -> Reply in
            do {
                return Reply(
                    status: 200, fields: ["content-type": "text/plain; charset=utf-8"],
                    body: ByteBuffer(bytes: try WholeFile.read(path)))
            } catch {
                return .text("\(error)\nllmstack install writes one, or set LLMSTACK_MODELS_INI.\n", status: 404)
            }
        }
    }
}

extension Endpoint {
    fileprivate init(_ node: Sighting) {
        self.init(host: node.host, port: node.port, prefix: node.prefix)
    }
}
