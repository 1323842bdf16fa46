using System.Diagnostics;
using Ard.Trainers.Tests.Distributed;

namespace Ard.Trainers.Tests.Evaluation;

[Trait("Category", "Long")]
public sealed class KilledShardsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ard-killed-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task AutoAttack_in_eight_shards_of_which_three_are_killed_and_resumed_equals_one_process_point_for_point()
    {
        var whole = Directory.CreateDirectory(Path.Combine(folder, "whole")).FullName;
        await Finish(Mpi.Alone(["evaluate", whole]));

        var steps = new List<int>();
        for (var number = 1; number <= 8; number++)
        {
            if (number is 2 or 5 or 8) await Kill(Mpi.Alone(["evaluate", folder, $"{number}/8"]), afterSteps: number == 5 ? 4 : 2);
            var output = await Finish(Mpi.Alone(["evaluate", folder, $"{number}/8"]));
            steps.Add(output.Split("step ").Length - 1);
        }
        // The clean images and four attacks, of which those that were killed had taken some.
        Assert.All(steps.Where((_, place) => place is not (1 or 4 or 7)), count => Assert.Equal(5, count));
        Assert.All(new[] { steps[1], steps[4], steps[7] }, count => Assert.InRange(count, 0, 3));

        EvaluationShard.Merge(Directory.GetFiles(folder, "state.*-of-8"), Path.Combine(folder, "state"));
        Assert.DoesNotContain("step", await Finish(Mpi.Alone(["evaluate", folder])));
        Assert.Equal(File.ReadAllText(Path.Combine(whole, "report.json")), File.ReadAllText(Path.Combine(folder, "report.json")));
    }

    private static async Task<string> Finish(Process process)
    {
        var (code, output, errors) = await Mpi.Outcome(process, seconds: 600);
        Assert.True(code == 0, output + errors);
        return output;
    }

    private static async Task Kill(Process process, int afterSteps)
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line && line != $"step {afterSteps}") ;
        process.Kill();
        Assert.NotEqual(0, (await Mpi.Outcome(process)).ExitCode);
    }
}
