using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>PeerAiD: in place of a teacher a peer, which learns beside the student.</summary>
internal static class PeerAidSample
{
    public static void Example()
    {
        var objective = Objective.PeerAid();
        var (student, peer) = (Given.Student(), Given.Student());
        Trainer.Fit(new(student, Peer: peer), objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // peeraid: clean 78 %, PGD-10 of 0.03 39 %
    }
}
