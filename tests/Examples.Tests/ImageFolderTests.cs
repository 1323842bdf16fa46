using System.Net;
using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace Ard.Examples.Tests;

/// <summary>Photographs: trained, measured, saved, and served over HTTP while another training runs in the same process.</summary>
public sealed class ImageFolderTests(ITestOutputHelper console)
{
    [Fact]
    public async Task Photographs_become_a_model_that_answers_alike_beside_a_training()
    {
        using var program = new ExampleProgram("ImageFolder");
        var (code, output, error) = program.Run("--images", "60", "--size", "32", "--epochs", "2", "--output", program.Output);
        Assert.True(code == 0, error);
        Assert.Contains("Confusion table", output, StringComparison.Ordinal);
        Assert.Matches(@"pgd-20: \d", output);
        Assert.All(
            ["student.zip", "student.onnx", "report.html"], name => Assert.True(File.Exists(Path.Combine(program.Output, name)), name));

        using var server = program.Start("serve", "--output", program.Output, "--url", "http://127.0.0.1:0");
        var errors = server.StandardError.ReadToEndAsync();
        Task<string>? log = null;
        try
        {
            using var client = new HttpClient { BaseAddress = await Address(server.StandardOutput), Timeout = TimeSpan.FromMinutes(2) };
            // Whoever writes into a full pipe waits.
            log = server.StandardOutput.ReadToEndAsync();
            var photographs = Directory.GetFiles(Path.Combine(program.Output, "photographs"), "*.jpg", SearchOption.AllDirectories).Take(9);
            var alone = new List<Dictionary<string, double>>();
            foreach (var photograph in photographs) alone.Add(await Classify(client, photograph));
            Assert.All(alone, answer => Assert.Equal(["boat", "house", "tree"], answer.Keys.Order()));
            Assert.True(alone.Select(answer => answer["boat"]).Distinct().Count() > 5, "every photograph gets the same answer");

            var training = client.PostAsync("/train?epochs=20", content: null);
            var rounds = 0;
            while (!training.IsCompleted || rounds == 0)
            {
                var beside = await Task.WhenAll(photographs.Select(photograph => Classify(client, photograph)));
                foreach (var (expected, found) in alone.Zip(beside))
                    Assert.All(expected, pair => Assert.Equal(pair.Value, found[pair.Key], 1e-4));
                rounds++;
            }
            using var trained = await training;
            Assert.True(trained.IsSuccessStatusCode, await trained.Content.ReadAsStringAsync());
            Assert.True(rounds > 1, "the training was over before a second round of requests");
            using var refused = await client.PostAsync("/classify", new ByteArrayContent([1, 2, 3]));
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        }
        finally
        {
            server.Kill(entireProcessTree: true);
            console.WriteLine(await errors);
            if (log is not null) console.WriteLine(await log);
        }
    }

    private static async Task<Uri> Address(StreamReader output)
    {
        while (await output.ReadLineAsync() is { } line)
        {
            if (Regex.Match(line, @"Now listening on: (\S+)") is { Success: true } match) return new Uri(match.Groups[1].Value);
        }
        throw new InvalidOperationException("The service ended before it listened.");
    }

    private static async Task<Dictionary<string, double>> Classify(HttpClient client, string photograph)
    {
        using var response = await client.PostAsync("/classify", new ByteArrayContent(await File.ReadAllBytesAsync(photograph)));
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{response.StatusCode} {text}");
        using var json = JsonDocument.Parse(text);
        var answer = json.RootElement.GetProperty("probabilities").Deserialize<Dictionary<string, double>>()!;
        Assert.Equal(answer.MaxBy(pair => pair.Value).Key, json.RootElement.GetProperty("label").GetString());
        return answer;
    }
}
