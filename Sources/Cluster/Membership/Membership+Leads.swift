// Where nodes may be: leads come and go.

extension Membership {
    /// A service was found, or looks otherwise now.
    package mutating func sighted(
        _ lead: Lead, at places: [Place], _ reading: Advertisement.Reading
    ) -> [Action] {
        if case .known(let hint) = reading, hint.cluster == cluster, hint.node != own {
            // Another node may have taken over a name.
            let known = trails[lead]?.whose
            let isOther = known != nil && known != hint.node
            let gone = (isOther ? forget(lead, .withdrawn) : []) + dropUnfollowed(lead, except: hint.node)
            return gone + follow(lead, places, hint: hint) + handOver(hint.node)
        }
        // 1
        let gone = forget(lead, .withdrawn)
        guard case .incompatible(let version, let node, let name) = reading else {
            return gone + dropUnfollowed(lead, except: nil)
        }
        let actions = gone + dropUnfollowed(lead, except: node)
        guard node != own, members[node] == nil, members.count < Self.leadLimit else { return actions }
        let evidence = Evidence.connection("it speaks version \(version) of the protocol")
        members[node] = Member(
            id: node, health: .incompatible, lead: lead, places: places, advertisedName: leadName(lead, name),
            evidence: evidence)
        return actions + [.changed(node, from: nil, to: .incompatible, evidence)]
    }

    /// An address was named.
    package mutating func named(_ place: Place) -> [Action] { follow(Self.lead(to: place), [place], hint: nil) }

    /// A node was known before this router started. It is tried where it was, and is no member until it answers.
    package mutating func remembered(_ node: NodeID, at places: [Place]) -> [Action] {
        let lead = Lead.memory(node)
        guard node != own, trails[lead] == nil, trails.count < Self.leadLimit, !places.isEmpty else { return [] }
        let isServed = isServed(node, except: lead)
        trails[lead] = Trail(places: places, isAdvertised: true, isFollowed: !isServed, node: node, isMemory: true)
        return isServed ? [] : [.follow(lead, places, node, after: 0)]
    }

    package static func lead(to place: Place) -> Lead { .address("\(place.host):\(place.port)") }

    /// A service was withdrawn, or a named address is wanted no more.
    package mutating func lost(_ lead: Lead) -> [Action] {
        guard trails[lead] != nil else { return dropUnfollowed(lead, except: nil) }
        trails[lead]?.isAdvertised = false
        if case .address = lead { return forget(lead, .forgotten) }
        // 7
        guard let node = trails[lead]?.node, let member = members[node], member.lead == lead,
            member.health == .up || member.health == .suspect, trails[lead]?.isFollowed == true
        else { return forget(lead, .withdrawn) }
        return member.place.map { [.probe(lead, $0)] } ?? []
    }

    private mutating func follow(_ lead: Lead, _ places: [Place], hint: Advertisement?) -> [Action] {
        if var trail = trails[lead] {
            let isNews = trail.places != places
            let isOtherRecord = hint != nil && hint != trail.hint
            trail.places = places
            trail.hint = hint ?? trail.hint
            trail.isAdvertised = true
            if !trail.isFollowed || isNews { trail.failingSince = nil }
            let member = trail.whose.flatMap { members[$0] }
            // Who is being retried at the old places is tried at the new ones at once; so is a stranger that changed.
            let isLate =
                trail.isFollowed
                && ((isNews && (member.map { $0.health == .down } ?? true))
                    || ((isNews || isOtherRecord) && (member.map { Self.isStranger($0.health) } ?? false)))
            let mustFollow = isLate || (!trail.isFollowed && !isServed(trail.whose, except: lead))
            trail.isFollowed = trail.isFollowed || mustFollow
            trails[lead] = trail
            if let member, member.lead == lead { members[member.id]?.places = places }
            return mustFollow ? [.follow(lead, places, trail.expected, after: 0)] : []
        }
        guard trails.count < Self.leadLimit else { return [] }
        // 2
        let isServed = isServed(hint?.node, except: lead)
        trails[lead] = Trail(places: places, isAdvertised: true, hint: hint, isFollowed: !isServed)
        return isServed ? [] : [.follow(lead, places, hint?.node, after: 0)]
    }

    func isServed(_ node: NodeID?, except lead: Lead) -> Bool {
        guard let node, let member = members[node], member.lead != lead else { return false }
        return member.health == .up || member.health == .suspect
    }

    static func isStranger(_ health: Health) -> Bool { health == .foreign || health == .incompatible }

    mutating func forget(_ lead: Lead, _ evidence: Evidence) -> [Action] {
        guard let trail = trails.removeValue(forKey: lead) else { return [] }
        return (trail.isFollowed ? [.unfollow(lead)] : []) + drop(trail.whose, of: lead, evidence)
    }

    /// Removes a node whose lead this is, and looks for it by another lead.
    mutating func drop(_ node: NodeID?, of lead: Lead, _ evidence: Evidence) -> [Action] {
        guard let node, let member = members[node], member.lead == lead else { return [] }
        members[node] = nil
        return [.changed(node, from: member.health, to: nil, evidence)] + followAnother(to: node)
    }

    /// Removes the nodes that are members only because a service said that they are incompatible.
    private mutating func dropUnfollowed(_ lead: Lead, except node: NodeID?) -> [Action] {
        guard trails[lead] == nil else { return [] }
        let gone = members.values.filter { $0.lead == lead && $0.id != node }.map(\.id)
        return gone.sorted { $0.description < $1.description }.flatMap { drop($0, of: lead, .withdrawn) }
    }

    /// Another lead to a node whose lead failed.
    ///
    /// - Parameter now: of a lead that failed itself a moment ago; nil tries it at once.
    mutating func followAnother(to node: NodeID, at now: Double? = nil) -> [Action] {
        let waiting = trails.filter { !$0.value.isFollowed && $0.value.whose == node }
        guard let (lead, trail) = waiting.min(by: { $0.key < $1.key }) else { return [] }
        trails[lead]?.isFollowed = true
        return [.follow(lead, trail.places, trail.expected, after: now.map(trail.delay) ?? 0)]
    }

    /// Gives a node that was found by memory to the service that announces it, with the stream that it has.
    mutating func handOver(_ node: NodeID) -> [Action] {
        // 8
        let memory = Lead.memory(node)
        guard var member = members[node], member.lead == memory, let old = trails[memory],
            let service = trails.filter({ lead, trail in
                if case .service = lead { trail.isAdvertised && trail.hint?.node == node } else { false }
            }).keys.min()
        else { return [] }
        member.lead = service
        member.places = trails[service]?.places ?? member.places
        member.advertisedName = leadName(service, member.advertisedName)
        members[node] = member
        trails[service]?.node = node
        // Who is down has no stream to be handed over, and is being tried at the service's places by now.
        guard old.isFollowed, member.health == .up || member.health == .suspect else { return [] }
        trails[service]?.isFollowed = true
        // Failures are the node's, whichever of the two they happened to.
        let since = [old.failingSince, trails[service]?.failingSince].compactMap { $0 }.min()
        trails[service]?.failingSince = since
        trails[memory]?.failingSince = since
        trails[service]?.pingsSinceDoubt = old.pingsSinceDoubt
        trails[service]?.countedPing = old.countedPing
        trails[service]?.probed = false
        trails[memory]?.isFollowed = false
        return [.handOver(memory, to: service)]
    }
}
