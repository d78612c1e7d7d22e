// Who is there: what streams and probes say.

extension Membership {
    /// A stream began, or the node sent its whole description anew.
    package mutating func described(
        _ lead: Lead, _ description: NodeDescription, from place: Place, at now: Double
    ) -> [Action] {
        guard let expected = trails[lead]?.expected, expected != description.id else {
            return answered(lead, by: description.id) + believed(lead, description, place, now)
        }
        return streamEnded(lead, "another node (\(description.id)) answers there", at: now)
    }

    /// 9
    private mutating func answered(_ lead: Lead, by id: NodeID) -> [Action] {
        guard let trail = trails[lead], trail.isFollowed, let before = trail.node, before != id else { return [] }
        trails[lead]?.node = id
        return drop(before, of: lead, .replaced(id))
    }

    private mutating func believed(
        _ lead: Lead, _ description: NodeDescription, _ place: Place, _ now: Double
    ) -> [Action] {
        guard var trail = trails[lead], trail.isFollowed else { return [] }
        let id = description.id
        trail.node = id
        trail.probed = false
        trails[lead] = trail
        // 1
        if id == own { return later(lead, trail) }
        let stranger: Health? =
            description.protocolVersion != Advertisement.protocolVersion
            ? .incompatible : description.cluster != cluster ? .foreign : nil
        // 2
        var released: [Action] = []
        if isServed(id, except: lead), let member = members[id] {
            // 11
            guard stranger == nil, member.description?.epoch != description.epoch else { return leave(lead) }
            guard member.health == .suspect else { return leave(lead) + openAnew(member.lead) }
            released = leave(member.lead)
        }
        if let stranger {
            // 7
            if !trail.isAdvertised { return forget(lead, .withdrawn) }
            return later(lead, trail) + become(stranger, id, lead, trail, place, description, .described, now)
        }
        var (health, evidence) = (Health.up, Evidence.described)
        if let member = members[id], member.lead == lead, member.health == .up || member.health == .suspect,
            member.description?.epoch == description.epoch
        {
            (health, evidence) = (member.health, member.evidence)
        } else {
            // 3
            trails[lead]?.pingsSinceDoubt = 0
            if let old = members[id], old.description?.epoch == description.epoch, !Self.isStranger(old.health) {
                health = .suspect
            }
        }
        return released + become(health, id, lead, trail, place, description, evidence, now) + handOver(id)
    }

    private mutating func leave(_ lead: Lead) -> [Action] {
        trails[lead]?.isFollowed = false
        return [.unfollow(lead)]
    }

    private func openAnew(_ lead: Lead, after delay: Double = 0) -> [Action] {
        guard let trail = trails[lead] else { return [] }
        return [.unfollow(lead), .follow(lead, trail.places, trail.expected, after: delay)]
    }

    /// Asks a stranger again, who may be one of ours by then.
    private func later(_ lead: Lead, _ trail: Trail) -> [Action] {
        // Where its record says that it is ours, one of the two is old.
        let isAnnounced = trail.hint?.cluster == cluster && trail.hint?.node != own
        let delay = isAnnounced ? Self.retryLimit : Self.strangerRetry
        return openAnew(lead, after: delay)
    }

    /// What answered a lead speaks a newer protocol.
    package mutating func spoke(_ lead: Lead, version: Int, _ node: NodeID, at now: Double) -> [Action] {
        guard let trail = trails[lead], trail.isFollowed, node != own else { return [] }
        let reason = "it speaks version \(version) of the protocol"
        guard node == trail.expected ?? node else { return streamEnded(lead, reason, at: now) }
        let gone = answered(lead, by: node)
        trails[lead]?.node = node
        // 1
        if isServed(node, except: lead) { return gone + leave(lead) }
        // 7
        if !trail.isAdvertised { return gone + forget(lead, .withdrawn) }
        return gone + later(lead, trail) + become(.incompatible, node, lead, trail, nil, nil, .connection(reason), now)
    }

    private mutating func become(
        _ health: Health, _ id: NodeID, _ lead: Lead, _ trail: Trail, _ place: Place?,
        _ description: NodeDescription?, _ evidence: Evidence, _ now: Double
    ) -> [Action] {
        let old = members[id]?.health
        guard old != nil || members.count < Self.leadLimit else { return [] }
        members[id] = Member(
            id: id, health: health, lead: lead, place: place, places: trail.places,
            description: description ?? members[id]?.description,
            advertisedName: leadName(lead, members[id]?.advertisedName ?? ""), lastWord: now, evidence: evidence)
        return old == health ? [] : [.changed(id, from: old, to: health, evidence)]
    }

    package mutating func changed(_ lead: Lead, _ change: NodeChange, at now: Double) -> [Action] {
        guard let id = trails[lead]?.node, members[id]?.lead == lead else { return [] }
        members[id]?.description?.apply(change)
        members[id]?.lastWord = now
        return []
    }

    package mutating func pinged(_ lead: Lead, at now: Double) -> [Action] {
        guard let trail = trails[lead], let id = trail.node, let member = members[id], member.lead == lead else {
            return []
        }
        members[id]?.lastWord = now
        trails[lead]?.probed = false
        // A description alone ends no row of failures: who hangs up after each is no better for it.
        if trail.failingSince != nil {
            for other in trails.keys where trails[other]?.whose == id { trails[other]?.failingSince = nil }
        }
        guard member.health == .suspect else { return [] }
        // 3
        guard trail.pingsSinceDoubt == 0 || now - trail.countedPing >= Self.pingDistance else { return [] }
        trails[lead]?.countedPing = now
        trails[lead]?.pingsSinceDoubt += 1
        return trail.pingsSinceDoubt + 1 >= 2 ? judge(id, .up, .pings) : []
    }

    /// A stream could not be opened, broke, or ended.
    ///
    /// - Parameter isSilence: whether nothing more is known than that nobody answered in time.
    package mutating func streamEnded(
        _ lead: Lead, _ reason: String, isSilence: Bool = false, at now: Double
    ) -> [Action] {
        guard var trail = trails[lead], trail.isFollowed else { return [] }
        trail.pingsSinceDoubt = 0
        trail.failingSince = trail.failingSince ?? now
        let delay = trail.delay(at: now)
        trails[lead] = trail
        // 7
        if !trail.isAdvertised { return forget(lead, .withdrawn) }
        // Where this node itself answered last, nobody else is down.
        guard let id = trail.whose, id != own else { return [.follow(lead, trail.places, nil, after: delay)] }
        var actions: [Action] = []
        // 5
        if let member = members[id] {
            if isSilence, member.lead == lead, member.health == .up || member.health == .suspect {
                trails[lead]?.probed = false
            } else if member.lead == lead {
                actions += judge(id, .down, .connection(reason))
            }
        } else if !trail.isMemory, members.count < Self.leadLimit {
            members[id] = Member(
                id: id, health: .down, lead: lead, places: trail.places, advertisedName: leadName(lead, ""),
                evidence: .connection(reason))
            actions.append(.changed(id, from: nil, to: .down, .connection(reason)))
        }
        if isServed(id, except: lead) { return actions + leave(lead) }
        let others = followAnother(to: id, at: now)
        return actions + others + [.follow(lead, trail.places, trail.expected, after: delay)]
    }

    /// The answer to ``Action/probe(_:_:)``.
    package mutating func probed(_ lead: Lead, answered: Bool, at now: Double) -> [Action] {
        guard let trail = trails[lead], trail.isFollowed else { return [] }
        if !trail.isAdvertised, !answered { return forget(lead, .withdrawn) }
        guard let id = trail.node, let member = members[id], member.lead == lead, member.health == .suspect else {
            return []
        }
        // 4
        let silence = now - (member.lastWord ?? now)
        guard silence >= Self.suspectAfter else {
            // It was asked before this node lost time, and says nothing of now; the next silence asks again.
            trails[lead]?.probed = false
            return []
        }
        // A single probe may be lost: from the first missed ping on there is time for two.
        if !answered, silence < Self.downAfter {
            trails[lead]?.probed = false
            return []
        }
        // 6
        if !answered, blamesItself(at: now) {
            trails[lead]?.probed = false
            trails[lead]?.probeFrom = now + Self.probeInterval
            return []
        }
        // It is there and its stream is not: a new stream is what helps. Where packets are lost that takes several tries, in
        // which a probe that fails would say more than it knows, were this no word of the node's.
        if answered {
            members[id]?.lastWord = now
            return openAnew(lead)
        }
        trails[lead]?.failingSince = now
        return judge(id, .down, .silent(silence)) + openAnew(lead, after: Self.retryFirst)
    }
}
