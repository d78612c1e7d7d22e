import Cluster
package import Logging
import NIOCore
import NIOPosix
import Synchronization
package import Wire

/// The router of one node: guards, routes, ladder, placement.
package final class StackRouter: RequestRouter {
    private let rules: RoutingRules
    private let backend: (any HostedBackend)?
    private let serving: Mutex<ServingTerms.Serving>
    /// Of the terms that were asked for last.
    private let routing = Mutex<ClusterRouting?>(nil)
    private let modelsINI: String
    private let hostGuard: LoopbackGuard
    private let log: Logger

    /// - Parameters:
    ///   - node: what the profile's routes about the node are answered from; nil where it has none.
    ///   - access: lets in who belongs to the cluster; a guarded profile without it lets in nobody.
    ///   - hosted: answers for hosted tiers; without it they are refused.
    ///   - modelsINI: path of the file that `/models.ini` shows.
    package init(
        rules: RoutingRules, profile: ServingProfile, node: NodeRoutes? = nil, access: AccessRoutes? = nil,
        hosted: (any HostedBackend)? = nil, modelsINI: String, hostGuard: LoopbackGuard, log: Logger
    ) {
        self.rules = rules
        backend = hosted
        serving = Mutex(.init(profile, node, access))
        self.modelsINI = modelsINI
        self.hostGuard = hostGuard
        self.log = log
    }

    /// Serves so from the next request on.
    package func serve(_ profile: ServingProfile, _ node: NodeRoutes?, _ access: AccessRoutes? = nil) {
        let new = ServingTerms.Serving(profile, node, access)
        serving.withLock { $0 = new }
    }

    private var current: ServingTerms {
        ServingTerms(reading: rules.current, serving: serving.withLock { $0 })
    }

    // MARK: RequestRouter

    package func admit(_ head: RequestHead, from peer: Peer) -> Admission {
        if let fault = hostGuard.fault(head.fields) { return .reply(fault.reply) }
        let terms = current
        let route = terms.profile.route(head)
        if terms.profile.isGuarded, let answer = guarded(head, route, terms, peer) { return answer }
        switch (route, terms.node) {
        case (.completion, _): return .collect(RequestScan(terms.table.vocabulary))
        case (.inference, _): return .collect(RequestScan(.none))
        case (.explain, _?): return .collect(RequestScan(terms.table.vocabulary))
        case (.modelList, _): return .answer { self.modelList(head, $0) }
        case (.modelsINI, _): return .answer { errands in self.modelsINIReply(head, errands.loop) }
        case (.node, let node?): return .reply(node.description())
        case (.nodeEvents, let node?): return node.events()
        case (.roster, let node?): return .reply(node.cluster())
        case (.drain, let node?):
            return .answer { node.drain(head, $0, forwards: !terms.profile.servesOnlyShared) }
        case (.access, _?), (.join, _?), (.renew, _?), (.reloadAccess, _?):
            return terms.access.map { access(head, route, $0, peer) } ?? .reply(Self.notServed(head))
        case (nil, _), (_, nil):
            switch terms.profile.otherwise {
            case .upstream: return .forward(Endpoint(rules.local))
            case .notFound: return .reply(Self.notServed(head))
            }
        }
    }

    /// - Returns: what to answer to somebody who is not let in, or is to be; nil where the request may go on.
    private func guarded(
        _ head: RequestHead, _ route: ServingProfile.Route?, _ terms: ServingTerms, _ peer: Peer
    ) -> Admission? {
        guard let access = terms.access else {
            return .reply(Doorkeeper.stranger("This router lets in nobody at the moment.").reply)
        }
        switch route {
        case .join, .renew: return nil
        default: break
        }
        switch access.doorkeeper.admit(head, route, from: peer) {
        case .failure(let error): return .reply(error.reply)
        case .success(let visit): peer.pass = visit
        }
        return nil
    }

    private func access(
        _ head: RequestHead, _ route: ServingProfile.Route?, _ access: AccessRoutes, _ peer: Peer
    ) -> Admission {
        switch route {
        case .join: access.join(head, peer)
        case .renew: access.renew(peer)
        case .reloadAccess: access.reload()
        default: access.access(head)
        }
    }

    private static func notServed(_ head: RequestHead) -> Reply {
        OpenAIError(404, "not_found", "\(head.method) \(head.path) is not served here.").reply
    }

    package func route(
        _ head: RequestHead, _ body: ScanOutcome, modelName: String?, from peer: Peer
    ) -> Disposition {
        let terms = current
        let visit = peer.pass as? Visit
        var head = head
        // Only a node's word counts for what a router may say of a request.
        if terms.profile.isGuarded, visit?.visitor.isNode != true { HopFields.stripHop(&head.fields) }
        let route = terms.profile.route(head)
        let knowsAuto = if case .completion = route { true } else { false }
        if case .explain = route { return explain(body, modelName, terms) }
        switch body {
        case .notJSON: return withoutTier(terms, "The body must be a JSON object.")
        case .notObject where !knowsAuto: return withoutTier(terms, "The body must be a JSON object.")
        case .notObject:
            return refuse(400, "invalid_json", "The body must be a JSON object.")
        case .tooDeep:
            return refuse(400, "invalid_json", "The body is nested deeper than \(RequestScan.depthLimit) levels.")
        case .empty where !knowsAuto: return withoutTier(terms, "The body is empty.")
        case .empty: return auto(ScannedRequest(), head, terms, visit, isEmpty: true)
        case .request(let request):
            // Which of them llama-swap reads is its own affair; where a request goes must not hang on it.
            if terms.node != nil, request.modelRanges.count > 1 {
                return refuse(400, "invalid_value", "The body says \"model\" more than once.")
            }
            switch request.model {
            case .invalid:
                return refuse(400, "invalid_value", "\"model\" must be a string: a tier, an alias or \"auto\".")
            case .concrete: return named(modelName, request, head, terms, visit)
            case .auto where !knowsAuto: return named(nil, request, head, terms, visit)
            case .auto:
                if let index = request.badMessage {
                    return refuse(400, "invalid_value", "messages[\(index)] must be an object with role and content.")
                }
                return auto(request, head, terms, visit, isEmpty: false)
            }
        }
    }

    package func reply(to head: RequestHead, after failure: UpstreamFailure) -> Reply {
        log.warning("\(head.method) \(head.path): \(failure)")
        return failure.replyOfLlamaSwap
    }

    // MARK: Completions

    private func auto(
        _ request: ScannedRequest, _ head: RequestHead, _ terms: ServingTerms, _ visit: Visit?, isEmpty: Bool
    ) -> Disposition {
        func edit(_ model: String) -> Disposition.Edit {
            isEmpty
                ? .replace(ByteBuffer(string: "{\"model\": \(model.jsonQuoted)}"))
                : .edit(BodyEdit(model: model, in: request))
        }
        if let node = terms.node {
            if head.fields.contains(HopFields.hop) {
                return refuse(400, "invalid_value", "A request that another node has placed must name its tier.")
            }
            let routing = clusterRouting(terms, node)
            return .dispatch(
                placed(.auto(request.facts), request, head, terms, visit, routing) { model, _ in edit(model) })
        }
        let decision = terms.table.ladder.decide(request.facts)
        if terms.reading.hosted[decision.model] != nil {
            return hosted(.auto(request.facts, edit: edit), request, head, terms)
        }
        log.info("auto -> \(decision.model) (\(decision.reason)) [path=\(head.path)]")
        return .forward(Endpoint(rules.local), edit(decision.model))
    }

    /// A request that names its model, if any.
    private func named(
        _ model: String?, _ request: ScannedRequest, _ head: RequestHead, _ terms: ServingTerms, _ visit: Visit?
    ) -> Disposition {
        guard let node = terms.node else {
            guard let model, let tier = terms.reading.hosted[model] else {
                return .forward(Endpoint(rules.local), .none)
            }
            return hosted(.tier(tier), request, head, terms)
        }
        let routing = clusterRouting(terms, node)
        if head.fields.contains(HopFields.hop) {
            if let refusal = terms.refusal(of: model) { return .reply(refusal.reply) }
            guard let model, let tier = terms.table.catalog.tier(named: model) else { return withoutTier(terms, "") }
            if tier.isHosted, let refusal = unsupported(head, terms) { return refusal }
            return .dispatch(placed(.here(tier.name), request, head, terms, visit, routing) { _, _ in .none })
        }
        guard let model, let tier = routing.tier(named: model) else {
            // llama-swap may know it; the router does not guess.
            if let refusal = terms.refusal(of: model) { return .reply(refusal.reply) }
            return .forward(Endpoint(rules.local), .none)
        }
        if terms.reading.isLocal(tier) == false, let refusal = unsupported(head, terms) { return refusal }
        // This host's llama-swap knows its own aliases, and no other.
        let isOwnName = terms.reading.tier(named: model) != nil
        return .dispatch(
            placed(routing.named(tier), request, head, terms, visit, routing) { tier, isLocal in
                tier == model || (isLocal && isOwnName) ? .none : .edit(BodyEdit(model: tier, in: request))
            })
    }

    private func placed(
        _ ask: PlacementQuestion.Ask, _ request: ScannedRequest, _ head: RequestHead, _ terms: ServingTerms,
        _ visit: Visit?, _ routing: ClusterRouting, _ edit: @escaping (String, Bool) -> Disposition.Edit
    ) -> PlacedRequest {
        PlacedRequest(
            .init(
                ask: ask, head: head, isEventStream: request.wantsStream, work: work(request, terms),
                client: HopFields.client(head.fields, visit?.visitor), visit: visit, edit: edit),
            routing)
    }

    private func clusterRouting(_ terms: ServingTerms, _ node: NodeRoutes) -> ClusterRouting {
        routing.withLock { last in
            if let last, last.reading === terms.reading, last.node === node { return last }
            let new = ClusterRouting(
                reading: terms.reading, node: node, localEndpoint: Endpoint(rules.local), hosted: backend, log: log)
            last = new
            return new
        }
    }

    private func work(_ request: ScannedRequest, _ terms: ServingTerms) -> Workload {
        Workload(
            tier: "", promptTokens: request.facts.estimatedTokens, outputLimit: request.outputLimit,
            isOwn: !terms.profile.servesOnlyShared,
            seed: UInt64(request.facts.characters) << 16 ^ UInt64(request.facts.turns))
    }

    private func explain(_ body: ScanOutcome, _ model: String?, _ terms: ServingTerms) -> Disposition {
        guard let node = terms.node else { return refuse(404, "not_found", "This host is in no cluster.") }
        guard case .request(let request) = body, request.badMessage == nil, request.model != .invalid else {
            return refuse(400, "invalid_json", "The body must be a chat or completion request, a JSON object.")
        }
        let routing = clusterRouting(terms, node)
        let explanation = PlacementExplanation(
            request, model: request.model == .auto ? nil : model, work(request, terms), routing)
        return .reply(NodeRoutes.json(explanation))
    }

    /// A request whose body names no tier that could be seen: llama-swap's, where llama-swap may be asked.
    private func withoutTier(_ terms: ServingTerms, _ problem: String) -> Disposition {
        switch terms.profile.otherwise {
        case .upstream: .forward(Endpoint(rules.local), .none)
        case .notFound: refuse(415, "unsupported_media_type", "\(problem) It must name a tier in \"model\".")
        }
    }

    private func hosted(
        _ ask: HostedErrand.Ask, _ request: ScannedRequest, _ head: RequestHead, _ terms: ServingTerms
    ) -> Disposition {
        guard let backend else {
            return refuse(501, "hosted_tier_unavailable", "This router calls no hosted tiers.")
        }
        if let refusal = unsupported(head, terms) { return refusal }
        return .dispatch(
            HostedErrand(
                ask, head, isEventStream: request.wantsStream, terms: terms, backend: backend,
                localEndpoint: Endpoint(rules.local), log: log))
    }

    /// Why no hosted tier can answer on this path; nil where one can.
    private func unsupported(_ head: RequestHead, _ terms: ServingTerms) -> Disposition? {
        if case .completion = terms.profile.route(head) { return nil }
        return refuse(
            400, "unsupported_path",
            "Tiers on AWS Bedrock answer /v1/chat/completions and /v1/completions, not \(head.path).")
    }

    private func refuse(_ status: Int, _ code: String, _ message: String) -> Disposition {
        .reply(OpenAIError(status, code, message).reply)
    }

    // MARK: The router's own routes

    private func modelList(_ head: RequestHead, _ errands: Errands) -> EventLoopFuture<Reply> {
        let terms = current
        let list = ModelList(
            terms.table, onlyShared: terms.profile.servesOnlyShared, others: terms.node?.othersTiers(head) ?? [])
        var head = head
        // The list is read here: it must come plain and whole.
        for field in ["accept-encoding", "if-none-match", "if-modified-since", "range"] { head.fields.remove(field) }
        HopFields.strip(&head.fields, isOwn: !terms.profile.servesOnlyShared)
        return errands.fetch(head, from: Endpoint(rules.local), limit: ModelList.bodyLimit).map { reply in
            list.merged(into: reply)
        }.recover { _ in list.alone }
    }

    private func modelsINIReply(_ head: RequestHead, _ loop: any EventLoop) -> EventLoopFuture<Reply> {
        let path = modelsINI
        let terms = current
        let others = terms.node?.othersFiles(head) ?? []
        return NIOThreadPool.singleton.runIfActive(eventLoop: loop) { () -> Reply in
            do {
                let bytes = try WholeFile.read(path)
                guard terms.profile.servesOnlyShared else {
                    if !others.isEmpty, let own = String(validating: bytes, as: UTF8.self) {
                        return .text(MergedCatalog.text(own: own, others: others))
                    }
                    return Reply(
                        status: 200, fields: ["content-type": "text/plain; charset=utf-8"],
                        body: ByteBuffer(bytes: bytes))
                }
                let own = try terms.table.catalog.lentText(of: String(decoding: bytes, as: UTF8.self))
                return .text(MergedCatalog.text(own: own, others: others))
            } catch let fault as CatalogError {
                // What is wrong with it is this host's to know: the line may be one that others do not see.
                self.log.warning("models.ini is shown to nobody: \(fault)")
                return .text("This node's models.ini has a fault; its own log says where.\n", status: 503)
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
