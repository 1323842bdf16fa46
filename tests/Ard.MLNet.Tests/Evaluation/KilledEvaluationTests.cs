using System.Diagnostics;

namespace Ard.MLNet.Tests.Evaluation;

public sealed class KilledEvaluationTests
{
    [Fact]
    [Trait("Category", "Long")]
    public async Task An_evaluation_whose_process_is_killed_twenty_times_gives_the_uninterrupted_report_and_examples()
    {
        var ml = new MLContext(1);
        var data = ml.Data.LoadGlyphs(100, 7);
        var training = Tiny.Training(epochs: 20) with { Optimizer = new AdamOptimizer { LearningRate = 0.005 } };
        using var model = Tiny.Keys(ml).Append(ml.MulticlassClassification.Trainers
            .AdversarialTraining(Tiny.Natural("tinycnn-8") with { Training = training })).Fit(data);
        var folder = Tiny.Folder();
        var file = Path.Combine(folder, "model.zip");
        ml.Model.Save(model, data.Schema, file);

        var clock = Stopwatch.StartNew();
        await AnotherProcess.Lines(Arguments("whole"));
        var whole = clock.Elapsed;
        var random = new Random(11);
        var (killed, atWork) = (0, 0);
        for (var round = 0; killed < 20; round++)
        {
            var name = $"round{round}";
            while (!File.Exists(Place(name, "json")))
            {
                using var process = AnotherProcess.Start(Arguments(name));
                var before = Written(name);
                // Every second time when it has just written; else at a moment drawn from the time of a whole run.
                var ended = killed % 2 == 0 ? process.WaitForExit(whole * random.NextDouble()) : EndsBeforeItWrites(process, name, before);
                if (killed < 20 && !ended)
                {
                    process.Kill();
                    killed++;
                    await process.WaitForExitAsync();
                    if (Written(name) != before) atWork++;
                }
                await process.WaitForExitAsync();
            }
            Assert.Equal(Contents("whole", "json"), Contents(name, "json"));
            Assert.Equal(Contents("whole", "examples"), Contents(name, "examples"));
        }
        Assert.InRange(atWork, 10, 20);

        bool EndsBeforeItWrites(Process process, string name, long before)
        {
            while (Written(name) == before)
            {
                if (process.WaitForExit(1)) return true;
            }
            return false;
        }

        string Place(string name, string kind) => Path.Combine(folder, $"{name}.{kind}");

        string[] Arguments(string name) => ["--evaluate", file, Place(name, "state"), Place(name, "examples"), Place(name, "json")];

        byte[] Contents(string name, string kind) => File.ReadAllBytes(Place(name, kind));

        // When the state was written last.
        long Written(string name) => File.Exists(Place(name, "state")) ? File.GetLastWriteTimeUtc(Place(name, "state")).Ticks : 0;
    }
}
