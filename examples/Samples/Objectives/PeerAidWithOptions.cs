using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>PeerAiD whose student looks at the labels as well.</summary>
internal static class PeerAidWithOptionsSample
{
    public static void Example()
    {
        var objective = Objective.PeerAid(new PeerAidOptions
        {
            Inner = new PeerAidOptions().Inner with { Threat = ThreatModel.Linf(0.05), Steps = 3, StepSize = 0.025 },
            LabelWeight = 0.5,                      // default 0
            PeerLabelWeight = 1,
        });
        var (student, peer) = (Given.Student(), Given.Student());
        Trainer.Fit(new(student, Peer: peer), objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // peeraid: clean 70 %, PGD-10 of 0.05 27 %
    }
}
