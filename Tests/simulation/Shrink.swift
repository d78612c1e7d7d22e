/// Looks for fewer faults that do the same harm.
enum Shrink {
    /// Runs at most.
    private static let limit = 400

    /// Leaves faults out, half of them, a quarter and so on down to one at a time, as long as the same is violated.
    ///
    /// - Returns: the plan with as many faults left out as could be found, and what it violates.
    static func shrink(_ plan: World.Plan, _ violation: Violation) -> (World.Plan, Violation) {
        let world = World(plan)
        var (plan, violation) = (plan, violation)
        // What had not begun by then was no cause.
        plan.without.formUnion(world.faults.indices.filter { world.faults[$0].begin > violation.moment })
        var runs = 0
        var size = max(1, (world.faults.count - plan.without.count) / 2)
        while runs < limit {
            var isSmaller = false
            let left = world.faults.indices.filter { !plan.without.contains($0) }
            for start in stride(from: 0, to: left.count, by: size) where runs < limit {
                var attempt = plan
                attempt.without.formUnion(left[start..<min(start + size, left.count)])
                runs += 1
                guard let found = World(attempt).run(), found.invariant == violation.invariant else { continue }
                (plan, violation, isSmaller) = (attempt, found, true)
            }
            if size == 1, !isSmaller { break }
            if !isSmaller { size = max(1, size / 2) }
        }
        return (plan, violation)
    }
}
