import EventModel
import Journal
import Pipelines

/// Events of a slice through the pipelines.
extension IngestSession {
    /// Runs the slice's events through the normaliser without suspending, and frees the splitter's buffer.
    func normaliseSlice() -> Slice {
        var slice = Slice()
        slice.firstLine = sliceLine
        // Names that canonical fields carry and defaults make an event about half as long again; growing would copy it all.
        slice.batch.bodies.reserveCapacity(splitter.count + splitter.count / 2 + 64 * splitter.events.count)
        slice.batch.events.reserveCapacity(splitter.events.count)
        pool.borrow { normaliser in
            for event in splitter.events { normalise(event, normaliser, &slice) }
            if let whole { normalise(whole: whole, normaliser, &slice) }
        }
        splitter.releaseSlice()
        return slice
    }

    @inline(__always)
    private func normalise(_ event: RawEvent, _ normaliser: Normaliser, _ slice: inout Slice) {
        let raw = splitter.bytes(of: event)
        let line = request.replayedLine ?? event.line
        var rejection = event.fault
        if rejection == nil {
            if envelope != nil {
                rejection = normaliseEnveloped(raw, line, normaliser, &slice.batch)
            } else {
                rejection = normaliser.normalise(raw, line: line, pipeline: pipeline, context: context, into: &slice.batch)
            }
        }
        if let rejection { refuse(raw, rejection, line, &slice) }
    }

    /// An event that is the whole body.
    private func normalise(whole: [UInt8], _ normaliser: Normaliser, _ slice: inout Slice) {
        whole.withUnsafeBytes { raw in
            let line = request.replayedLine ?? 1
            let rejection =
                raw.count > Limits.eventBytes ? .tooLong(bodyBytes) : normaliseEnveloped(raw, line, normaliser, &slice.batch)
            if let rejection { refuse(raw, rejection, line, &slice) }
        }
    }

    @inline(never)
    private func refuse(_ raw: UnsafeRawBufferPointer, _ rejection: Rejection, _ line: Int, _ slice: inout Slice) {
        var rejection = rejection
        rejection.line = line
        rejection.field = pool.deadLetterRedaction.scrub(rejection.field)
        rejection.message = pool.deadLetterRedaction.scrub(rejection.message)
        slice.rejections.append(rejection)
        slice.letters.append(
            letter(
                rejection, raw: envelope?.structured(Array(raw)) ?? Array(raw), pipeline: request.pipeline,
                shape: DeadLetter.Shape(request.shape)))
    }

    private func normaliseEnveloped(
        _ raw: UnsafeRawBufferPointer, _ line: Int, _ normaliser: Normaliser, _ batch: inout NormalisedBatch
    ) -> Rejection? {
        do throws(Rejection) {
            let event = try envelope!.event(in: raw)
            return event.withUnsafeBytes { padded in
                let bytes = UnsafeRawBufferPointer(rebasing: padded[0..<padded.count - Limits.parserPadding])
                return normaliser.normalise(bytes, line: line, pipeline: pipeline, context: context, into: &batch)
            }
        } catch {
            return error
        }
    }

    func letter(_ rejection: Rejection, raw: [UInt8], pipeline: String?, shape: DeadLetter.Shape) -> DeadLetter {
        DeadLetter(
            received: context.received, tenant: request.tenant ?? request.allowedTenant, keyTenant: request.allowedTenant,
            pipeline: pipeline, shape: shape,
            idempotencyKey: request.idempotencyKey, origin: request.origin, rejection: rejection,
            raw: pool.deadLetterRedaction.redact(raw, pipeline: pipeline, isText: shape == .text))
    }
}
