namespace Ard.Trainers.Training;

/// <summary>A training's look at its teachers before they teach.</summary>
internal static class TeacherCheck
{
    // On fewer images a fair teacher may get no more right than chance does.
    private const int EnoughToRefuse = 50;

    /// <summary>Looks at the teachers of a training and warns of what speaks against them: usually nothing.</summary>
    /// <returns>What was found of the first teacher; null where there is none.</returns>
    /// <exception cref="ArgumentException">One is no better than chance on 50 images or more, or its outputs are not finite.</exception>
    public static TeacherReport? Run(TrainingSetup setup, Action<string> warn)
    {
        TeacherReport? first = null;
        foreach (var (name, teacher) in setup.Teachers)
        {
            // A second teacher is for clean images, and so is one that labels auxiliary ones only.
            var threat = setup.Objective.NeedsTeacher && teacher == setup.Networks.Teacher ? setup.Threat : null;
            var report = TeacherReport.Measure($"the {name}", teacher, setup.Data, threat, TeacherReport.Usual, CancellationToken.None);
            first ??= report;
            if (teacher is ImageNetwork { ReportedAccuracy: { } told } && report.CleanCount < Chance.FarBelow(told, report.Images))
                warn(Invariant(
                    $"the {name} gets {report.CleanCount} of {report.Images} training images right, and its card says {100 * told:0.#} %: ")
                    + "are images and classes the same, in this order?");
            if (report.Warning is not { } warning) continue;
            if (report.IsNearChance && !setup.Options.AcceptTeacherNearChance && report.Images >= EnoughToRefuse)
                throw new ArgumentException($"{warning}. {nameof(TrainingOptions.AcceptTeacherNearChance)} goes on with it all the same.");
            warn(warning);
        }
        return first;
    }
}

/// <summary>What a network that has learned nothing gets right.</summary>
internal static class Chance
{
    /// <summary>The most right answers of so many that are no sign of having learned: 1/classes and two standard deviations.</summary>
    public static double Reach(long images, int classes) =>
        images * 1.0 / classes + 2 * Math.Sqrt(images * (1.0 / classes) * (1 - 1.0 / classes));

    /// <summary>Fewer right answers are no chance with a network of this accuracy: a tenth less and two standard deviations.</summary>
    public static double FarBelow(double accuracy, long images) =>
        images * (accuracy - 0.1) - 2 * Math.Sqrt(images * accuracy * (1 - accuracy));
}
