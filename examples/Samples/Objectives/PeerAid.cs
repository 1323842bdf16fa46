using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>PeerAiD: in place of a teacher a peer, which learns beside the student.</summary>
internal static class PeerAidSample
{
    public static void Example()
    {
        var objective = new PeerAid();
        var (student, peer) = (Given.Student(), Given.Student());
        Trainer.Fit(student, objective, teacher: null, Given.Training, Given.Finishing, peer: peer);
        Given.Evaluate(objective, student);

        // Expected output:
        // peeraid: clean 78 %, PGD-10 of 0.03 39 %
    }
}
